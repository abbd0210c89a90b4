import { Client, type Enqueuer } from "@asynqjs/client-edge";
import { type EnqueueEndpointOptions, enqueueEndpoint } from "@asynqjs/client-edge/hono";
import { type ManualClock, manualClock, seededRandom } from "@asynqjs/core/testing";
import { Hono } from "hono";
import { test as gatewayTest, token } from "./gateway-test.ts";
import { hastyClock, hastyTimeoutMs } from "./hasty-clock.ts";

export { describe, expect } from "vitest";

export const secret = "the-secret-of-the-shop";
export const otherSecret = "the-secret-of-the-other";

/** The shop may do some things, the other one other things. */
export const callers = [
  { name: "shop", secrets: [secret], types: ["email:*", "image:resize"], queues: ["default", "mail-*"], taskIds: ["shop:*"] },
  { name: "other", secrets: [otherSecret], types: ["*"], queues: ["other"] },
] as const;

/** What an endpoint answered. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: AnswerBody;
}

/** Of what an answer may hold each has some. */
type AnswerBody = Readonly<Record<"verdict" | "code" | "option" | "message" | "delivered" | "taskId" | "queue" | "state", string>> & {
  readonly error: { readonly code: string; readonly message: string };
  readonly results: readonly AnswerBody[];
};

export interface Endpoint {
  /** Sends it a request as it is. */
  readonly fetch: (request: Request) => Promise<Answer>;
  /** Posts JSON to it, as the shop. */
  readonly post: (body: unknown, headers?: Record<string, string>) => Promise<Answer>;
  /** What its answers hid. */
  readonly hidden: readonly unknown[];
}

interface EndpointFixtures {
  readonly clock: ManualClock;
  readonly client: Client;
  /** An app with an endpoint at `/tasks`, in front of the test's Redis by way of a gateway. */
  readonly endpoint: (options?: Partial<EnqueueEndpointOptions>) => Endpoint;
}

export const url = "http://app.test/tasks";

function endpointOf(client: Enqueuer, options: Partial<EnqueueEndpointOptions>): Endpoint {
  const hidden: unknown[] = [];
  const app = new Hono().all("/tasks", enqueueEndpoint({ client, callers, onHidden: (error) => void hidden.push(error), ...options }));
  const fetch = async (request: Request): Promise<Answer> => answerOf(await app.fetch(request));
  return {
    hidden,
    fetch,
    post: (body, headers = {}) =>
      fetch(
        new Request(url, {
          method: "POST",
          body: typeof body === "string" ? body : JSON.stringify(body),
          headers: { "Content-Type": "application/json", Authorization: `Bearer ${secret}`, ...headers },
        }),
      ),
  };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: text === "" ? undefined : JSON.parse(text) };
}

/** vitest's `test` with endpoints in front of a real Redis behind a real gateway. */
export const test = gatewayTest.extend<EndpointFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  clock: async ({}, use) => use(manualClock(Date.UTC(2040, 0, 2, 3, 4, 5))),
  client: async ({ faults }, use) =>
    use(new Client({ url: faults.url, token, clock: hastyClock(), timeoutMs: 1e7, tryTimeoutMs: hastyTimeoutMs })),
  endpoint: async ({ client, clock }, use) => use((options = {}) => endpointOf(client, { clock, random: seededRandom(1), ...options })),
});
