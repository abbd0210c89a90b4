/**
 * What the ports that speak HTTP share: requests of a bounded size, repeated as the same bytes a bounded number of times in a bounded time.
 * @module
 */
import { type Clock, type Random, sleep, systemClock, systemRandom } from "../clock.ts";
import { type Delivered, InvalidOptionError, RedisError } from "../errors.ts";
import type { Command, CommandResult, RedisFeatures, RedisPort, SendOptions } from "../redis.ts";
import { failure, givenUp, type Post, tryOnce } from "./http-try.ts";
import { isPassing } from "./refusal.ts";

export interface HttpPortOptions {
  /** The longest a caller waits, tries and pauses included, unless it says otherwise, milliseconds. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** The longest one try may take, milliseconds. Default 5,000. */
  readonly tryTimeoutMs?: number | undefined;
  /** How often a request is sent at most. Default 6. */
  readonly maxTries?: number | undefined;
  /** The longest body of one request, bytes; what is more goes into several. Default 8 MiB, as Upstash and the gateway take 10 MB. */
  readonly maxRequestBytes?: number | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** Default: the machine's. */
  readonly random?: Random | undefined;
}

/** A request holds at most so many commands: what the gateway takes unless told otherwise. */
const maxCommandsPerRequest = 1000;
/** A pause before another try is a random part of this, doubled with each. */
const firstPauseMs = 100;
const longestPauseMs = 2_000;

/** What holds whatever stands behind the URL: who asks nothing needs no request for it. */
const features: RedisFeatures = { codec: "json", allowOom: false, cluster: true, waits: false };

/**
 * A port over HTTP. What got no answer, or one that may pass, is sent again as the same bytes: every mutating call of asynqjs carries its
 * call record, so the repetition is answered as the first was. When requests of one `send` fail and others are answered, each command has
 * its own result; only when none was answered it throws.
 * @throws {InvalidOptionError} a bound that is none
 */
export function httpPort(post: Post, options: HttpPortOptions): RedisPort {
  const { clock = systemClock, random = systemRandom } = options;
  const timeoutMs = bound("timeoutMs", options.timeoutMs, 10_000);
  const tryTimeoutMs = bound("tryTimeoutMs", options.tryTimeoutMs, 5_000);
  const maxTries = bound("maxTries", options.maxTries, 6);
  const maxRequestBytes = bound("maxRequestBytes", options.maxRequestBytes, 8 * 1024 * 1024);
  let closed = false;

  /** One request until it is answered or given up; what got no answer has the reason as its result. */
  async function request(texts: readonly string[], deadlineMs: number, signal: AbortSignal | undefined): Promise<CommandResult[]> {
    const results: CommandResult[] = new Array(texts.length);
    let left = [...texts.keys()];
    let delivered: Delivered = "no";
    for (let tries = 1; ; tries++) {
      const leftMs = deadlineMs - clock.monotonicMs();
      const answer = signal?.aborted
        ? givenUp(signal, "no")
        : closed || leftMs <= 0
          ? failure(closed ? "the port is closed" : "no time left", "no", false)
          : await tryOnce(
              post,
              left.map((i) => texts[i]!),
              { clock, withinMs: Math.min(tryTimeoutMs, leftMs), signal },
            );
      let pauseMs = random.float() * Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
      let again = true;
      if ("why" in answer) {
        if (answer.delivered === "unknown") delivered = "unknown";
        const error = new RedisError(`redis over HTTP: ${answer.why}`, { ...answer, delivered });
        for (const i of left) results[i] = { error };
        again = answer.again;
        pauseMs = Math.max(pauseMs, answer.waitMs);
      } else {
        for (const [nth, i] of left.entries()) results[i] = answer[nth]!;
        left = left.filter((i) => isPassing(results[i]!.error));
      }
      if (left.length === 0 || !again || tries >= maxTries || clock.monotonicMs() + pauseMs >= deadlineMs) return results;
      await sleep(clock, pauseMs, signal);
    }
  }

  return {
    features: async () => features,
    async send(commands: readonly Command[], { signal, timeoutMs: ownTimeoutMs = timeoutMs }: SendOptions = {}) {
      const deadlineMs = clock.monotonicMs() + ownTimeoutMs;
      const results: CommandResult[] = [];
      for (const texts of splitRequests(commands, maxRequestBytes)) {
        results.push(...(typeof texts === "string" ? [tooLarge(maxRequestBytes)] : await request(texts, deadlineMs, signal)));
      }
      // A refusal by Redis has its word, a failure of the way has none.
      const failed = results.flatMap(({ error }) => (error === undefined || error.reply !== undefined ? [] : [error]));
      if (failed.length > 0 && failed.length === results.length) throw failed.find((error) => error.delivered === "unknown") ?? failed[0];
      return results;
    },
    async close() {
      closed = true;
    },
  };
}

/** The commands as JSON, in order, in requests that keep to the bounds; one that can be in no request stands alone. */
function splitRequests(commands: readonly Command[], maxBytes: number): (string[] | string)[] {
  const requests: (string[] | string)[] = [];
  let bytes = 0;
  for (const command of commands) {
    const text = JSON.stringify(command);
    // Its comma, or its share of the brackets.
    const length = new TextEncoder().encode(text).length + 1;
    const last = requests.at(-1);
    if (length >= maxBytes) requests.push(text);
    else if (typeof last !== "object" || last.length === maxCommandsPerRequest || bytes + length >= maxBytes) {
      requests.push([text]);
      bytes = length;
    } else {
      last.push(text);
      bytes += length;
    }
  }
  return requests;
}

function tooLarge(maxBytes: number): CommandResult {
  return { error: new RedisError(`not sent: a single call is larger than a request of ${maxBytes} bytes`, { delivered: "no" }) };
}

function bound(option: string, value: number | undefined, usual: number): number {
  if (value !== undefined && !(value >= 1)) throw new InvalidOptionError(option, "expected a number of at least 1");
  return value ?? usual;
}
