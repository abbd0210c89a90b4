/**
 * What runs inside each runtime: enqueues by the client that users get, and tells what it was answered. What arrived in Redis is looked at
 * from outside.
 * @module
 */
import { Client, type EnqueueError, Task } from "@asynqjs/client-edge";
import { enqueueEndpoint } from "@asynqjs/client-edge/hono";
import { signEnqueueRequest } from "@asynqjs/client-edge/sign";
import { Client as UpstashClient } from "@asynqjs/client-edge/upstash";
import { Redis } from "@upstash/redis/cloudflare";
import { Hono } from "hono";

/** Where a runtime finds its gateway. */
export interface Setting {
  readonly url: string;
  readonly token: string;
  /** Takes requests and never answers. */
  readonly silentUrl: string;
}

/** What the client answered, by case. */
export type Answers = Readonly<Record<string, unknown>>;

/** How many tasks the batch has. */
export const batchSize = 300;
export const emojis = "grüße, 世界 🎉👩‍👩‍👧 \u{10ffff}\0";

/** A payload of every byte there is. */
export function everyByte(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, i) => i);
}

/** Runs every case, one after the other. Throws nothing: what was thrown is an answer. */
export async function runCases({ url, token, silentUrl }: Setting): Promise<Answers> {
  const client = new Client({ url, token });
  const cases: Readonly<Record<string, () => Promise<{ readonly state: string }>>> = {
    bytes: () => client.enqueue(new Task("t", everyByte()), { taskId: "bytes" }),
    text: () => client.enqueue(new Task("t", emojis), { taskId: "text", headers: { emojis } }),
    unique: () => client.enqueue(new Task("t", everyByte()), { taskId: "unique", uniqueTtlSec: 600 }),
    "unique again": () => client.enqueue(new Task("t", everyByte()), { uniqueTtlSec: 600 }),
    "unique once more": () => client.enqueue(new Task("t", everyByte()), { uniqueTtlSec: 600 }),
    "the same id": () => client.enqueue(new Task("t"), { taskId: "bytes" }),
    scheduled: () => client.enqueue(new Task("t"), { taskId: "scheduled", processInSec: 3600 }),
    batch: async () => {
      const items = Array.from({ length: batchSize }, (_, i) => ({
        task: new Task("t", { i }),
        options: { taskId: `batch-${i}`, queue: i % 2 === 0 ? "even" : "odd" },
      }));
      const outcomes = await client.enqueueMany(items);
      return { state: outcomes.every(({ info }, i) => info?.id === `batch-${i}`) ? "pending" : "mixed up" };
    },
    "a wrong token": () => new Client({ url, token: "wrong" }).enqueue(new Task("t", "secret")),
    "an option that cannot be": () => client.enqueue(new Task("t"), { retentionSec: -1 }),
    "given up before": () => client.enqueue(new Task("t"), {}, { signal: AbortSignal.abort() }),
    "given up on the way": async () => {
      const giveUp = new AbortController();
      const lost = new Client({ url: silentUrl, token }).enqueue(new Task("t"), {}, { signal: giveUp.signal });
      setTimeout(() => giveUp.abort(), 50);
      return await lost;
    },
    "no answer in time": () => new Client({ url: silentUrl, token }).enqueue(new Task("t"), {}, { timeoutMs: 50 }),
    "an instance of Upstash": () =>
      new UpstashClient({ redis: new Redis({ url, token }) }).enqueue(new Task("t", everyByte()), { taskId: "instance" }),
    "an endpoint that is sent a signed request, twice": async () => {
      const secret = "a-secret-for-signatures";
      const app = new Hono().all("/tasks", enqueueEndpoint({ client, callers: [{ name: "a", secrets: [secret], types: ["t"] }] }));
      const task = new Task("t", everyByte(), { taskId: "signed" });
      const request = await signEnqueueRequest("http://app.test/tasks", task, { secret });
      const [first, second] = [await app.fetch(request.clone()), await app.fetch(request)];
      return { state: `${first.status} ${second.status}` };
    },
  };
  const answers: Record<string, unknown> = {};
  for (const [name, run] of Object.entries(cases)) answers[name] = await run().then(({ state }) => state, answerOf);
  return answers;
}

function answerOf(error: unknown): unknown {
  const { code, delivered, status, option } = error as EnqueueError & Readonly<Record<"delivered" | "status" | "option", unknown>>;
  if (code === undefined) return `${error}`;
  return [code, ...[option, delivered, status].filter((fact) => fact !== undefined)].join(" ");
}
