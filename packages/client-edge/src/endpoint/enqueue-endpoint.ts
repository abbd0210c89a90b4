import { type Clock, demand, type Random, systemClock, systemRandom } from "@asynqjs/core";
import type { Context, Env } from "hono";
import type { Enqueuer } from "../with-middleware.ts";
import { authenticate } from "./authenticate.ts";
import { checkCallers, type EnqueueCaller } from "./callers.ts";
import { readBody } from "./read-body.ts";
import { type ReadTasks, readTasks } from "./read-tasks.ts";
import { answerJson, Refusal } from "./refusal.ts";
import { tokenBuckets } from "./token-buckets.ts";
import { statusOfAll, type TaskVerdict, tellOutcome } from "./verdict.ts";

/**
 * Takes `tasks` of a caller out of what it may enqueue, and answers 0; or takes none, and answers in how many milliseconds it may ask again.
 * What is no number, or thrown, is a refusal.
 */
export type RateLimit<E extends Env = Env> = (caller: string, tasks: number, c: Context<E>) => number | Promise<number>;

/** What {@link enqueueEndpoint} needs. */
export interface EnqueueEndpointOptions<E extends Env = Env> {
  /** A `Client`, or one with middlewares around it; made of the request's environment where that is the only one. Make one for all. */
  readonly client: Enqueuer | ((c: Context<E>) => Enqueuer);
  /** Who may enqueue, and what; made of the request's environment where that is the only one. */
  readonly callers: readonly EnqueueCaller[] | ((c: Context<E>) => readonly EnqueueCaller[] | Promise<readonly EnqueueCaller[]>);
  /** Default: `tokenBuckets()`. */
  readonly rateLimit?: RateLimit<E> | undefined;
  /** Bytes of a request's body. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Milliseconds that a body has to arrive. Default 10,000. */
  readonly bodyTimeoutMs?: number | undefined;
  /** Tasks of a request, at most 1,000. Default 100. */
  readonly maxTasks?: number | undefined;
  /** Told of what an answer hides: what Redis, the client, the rate limit or `callers` failed with. Default: nobody is. */
  readonly onHidden?: ((error: unknown, c: Context<E>) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/**
 * Makes the handler of a route that enqueues the tasks it is sent by POST, one or a list of them, for callers that it knows by a bearer token or
 * by a signature of `signEnqueueRequest`. Mount it by `app.all`, and before whatever reads bodies.
 *
 * Where no secret is set it is closed: 503. It answers 202 when all tasks are enqueued, else the highest status of any; the README has them.
 * @throws {InvalidOptionError} a bound that is out of range, callers that cannot be
 */
export function enqueueEndpoint<E extends Env = Env>(options: EnqueueEndpointOptions<E>): (c: Context<E>) => Promise<Response> {
  const { client, callers, onHidden = () => {}, clock = systemClock, random = systemRandom } = options;
  const { rateLimit = tokenBuckets({ clock }), maxBodyBytes = 1024 * 1024, bodyTimeoutMs = 10_000, maxTasks = 100 } = options;
  demand(typeof client === "function" || "enqueueMany" in Object(client), "client", "expected a Client, or a function that answers one");
  demand(Number.isSafeInteger(maxBodyBytes) && maxBodyBytes > 0, "maxBodyBytes", "expected a whole number above 0");
  demand(bodyTimeoutMs > 0, "bodyTimeoutMs", "expected a number above 0");
  demand(Number.isInteger(maxTasks) && maxTasks > 0 && maxTasks <= 1000, "maxTasks", "expected a whole number from 1 to 1000");
  const known = typeof callers === "function" ? undefined : checkCallers(callers);

  async function serve(c: Context<E>): Promise<Response> {
    const request = c.req.raw;
    if (request.method !== "POST") throw new Refusal("METHOD_NOT_ALLOWED", "expected POST", { Allow: "POST" });
    const all = known ?? checkCallers(await (callers as Exclude<typeof callers, readonly unknown[]>)(c));
    const bodyLimits = { maxBodyBytes, bodyTimeoutMs, clock };
    const { caller, body } = await authenticate(request.headers, all, clock.nowMs(), () => readBody(request, bodyLimits));
    const read = orRefusal(() => {
      demandJson(request.headers);
      return readTasks(body, caller, { maxTasks, random });
    });
    // A body that is of no use costs its caller something too.
    const cost = read instanceof Refusal ? 1 : read.tasks.length;
    const waitMs = await rateLimit(caller.name, cost, c);
    if (!(waitMs <= 0)) {
      const waitSec = Number.isFinite(waitMs) ? Math.ceil(waitMs / 1000) : 60;
      throw new Refusal("RATE_LIMITED", "too many tasks of this caller", { "Retry-After": `${waitSec}` });
    }
    if (read instanceof Refusal) throw read;
    const verdicts = await enqueueAll(typeof client === "function" ? client(c) : client, read, (error) => onHidden(error, c));
    return answerJson(read.single ? verdicts[0] : { results: verdicts }, statusOfAll(verdicts));
  }

  return async (c) => {
    try {
      return await serve(c);
    } catch (error) {
      if (error instanceof Refusal) return error.toResponse();
      onHidden(error, c);
      return new Refusal("INTERNAL", "something failed here").toResponse();
    }
  };
}

async function enqueueAll(client: Enqueuer, { tasks }: ReadTasks, onHidden: (error: unknown) => void): Promise<TaskVerdict[]> {
  const sent = tasks.filter((each) => each.verdict === undefined);
  const outcomes = sent.length === 0 ? [] : await client.enqueueMany(sent);
  const byTask = new Map(sent.map((each, i) => [each, outcomes[i]]));
  return tasks.map((each) => each.verdict ?? tellOutcome(each, byTask.get(each), onHidden));
}

function orRefusal<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** A browser sends JSON to another origin only once it was allowed to; and what is packed would have to be unpacked without a bound. */
function demandJson(headers: Headers): void {
  const json = /^application\/json *(; *charset *= *"?utf-8"? *)?$/i.test(headers.get("Content-Type") ?? "");
  const plain = /^(identity)?$/i.test(headers.get("Content-Encoding") ?? "");
  if (!json || !plain) throw new Refusal("UNSUPPORTED_MEDIA_TYPE", "expected Content-Type: application/json in UTF-8, without an encoding");
}
