import { reviewLine } from "./shop.ts";
import type { Accepted } from "./worker/edge-worker.ts";

/** How a task should end. */
export type Expected =
  | { readonly ends: "thumbnail"; readonly picture: string; readonly widthPx: number }
  | { readonly ends: "mail"; readonly to: string; readonly subject: string }
  | { readonly ends: "archived" }
  /** In a digest of its picture, as a line of it. */
  | { readonly ends: "digest"; readonly picture: string; readonly line: string };

/** A task that the Worker accepted. */
export interface AcceptedTask {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly expected: Expected;
}

export interface Answers {
  readonly accepted: readonly AcceptedTask[];
  /** Requests refused because their task is there already. */
  readonly duplicates: readonly { readonly queue: string }[];
}

interface CustomerRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly queue: string;
  /** How each task of it should end. */
  readonly expected: readonly Expected[];
}

const widths = [96, 192, 320];

function picture(name: string): CustomerRequest {
  const expected = widths.map((widthPx) => ({ ends: "thumbnail", picture: name, widthPx }) as const);
  return { path: "/pictures", body: { name, widths }, queue: "shop-pictures", expected };
}

function mail(path: string, queue: string, body: CustomerRequest["body"] & { readonly to: string }, subject: string): CustomerRequest {
  return { path, body, queue, expected: [{ ends: "mail", to: body.to, subject }] };
}

function order(to: string, quantity: number, item: string): CustomerRequest {
  return mail("/orders", "shop-orders", { to, item, quantity }, `Your order: ${quantity} × ${item}`);
}

function review(name: string, stars: number, words: string): CustomerRequest {
  const line = reviewLine({ picture: name, stars, words });
  return { path: "/reviews", body: { name, stars, words }, queue: "shop-desk", expected: [{ ends: "digest", picture: name, line }] };
}

/** An evening in the shop. */
export const evening: readonly CustomerRequest[] = [
  mail("/reminders", "shop-reminders", { to: "noor@mail.example", about: "collect the frames", inSec: 90 }, "Reminder: collect the frames"),
  picture("harbour.jpg"),
  picture("island.webp"),
  order("ada@mail.example", 1, "Harbour at dusk, framed"),
  // Its upload broke off half-way: no number of tries would make a picture of it.
  { path: "/pictures", body: { name: "half-uploaded.jpg", widths: [192] }, queue: "shop-pictures", expected: [{ ends: "archived" }] },
  // Their mail servers take a mail only at the third try.
  order("bjorn@grey.example", 2, "Sørøya, island map"),
  order("chen@grey.example", 3, "Galaxy postcard"),
  picture("galaxy.jpg"),
  // Three clicks on one button.
  ...Array.from({ length: 3 }, () =>
    mail("/newsletters", "shop-newsletters", { to: "ada@mail.example", issue: "winter" }, "The shop's letter: winter"),
  ),
  review("galaxy.jpg", 5, "It hangs above my bed."),
  review("harbour.jpg", 4, "The dusk is darker than I thought."),
  review("galaxy.jpg", 5, "My children count the stars."),
  picture("seahorse-valley.png"),
  order("dana@mail.example", 1, "Misty forest, large"),
  picture("misty-forest.jpg"),
  review("galaxy.jpg", 3, "Arrived bent, was replaced at once."),
  review("harbour.jpg", 5, "I can smell the sea."),
];

/**
 * Sends the requests, all at once, as customers do.
 * @throws {Error} the Worker answered anything but that it accepted or that the task is there already
 */
export async function sendRequests(
  url: string,
  requests: readonly CustomerRequest[],
  { signal, answered }: { readonly signal: AbortSignal; readonly answered: (line: string) => void },
): Promise<Answers> {
  const accepted: AcceptedTask[] = [];
  const duplicates: { queue: string }[] = [];
  await Promise.all(
    requests.map(async ({ path, body, queue, expected }) => {
      const response = await fetch(new URL(path, url), { method: "POST", body: JSON.stringify(body), signal });
      const answer = (await response.json()) as Accepted & { readonly code?: string; readonly error?: string };
      const told = (what: string): void =>
        answered(`${response.status} POST ${path.padEnd(12)} ${what.padEnd(17)} ${JSON.stringify(body)}`);
      if (response.status === 202) {
        for (const [i, task] of answer.tasks.entries()) accepted.push({ ...task, expected: expected[i]! });
        told(`${answer.tasks.length} ${answer.tasks.length === 1 ? "task" : "tasks"} ${answer.tasks[0]!.state}`);
      } else if (response.status === 409) {
        duplicates.push({ queue });
        told(answer.code!);
      } else {
        throw new Error(`POST ${path} was answered ${response.status}: ${answer.error}`);
      }
    }),
  );
  return { accepted, duplicates };
}
