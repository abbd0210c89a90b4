/**
 * What the ports that speak HTTP share: requests of a bounded size, repeated as the same bytes a bounded number of times in a bounded time.
 * @module
 */
import { type Clock, type Random, systemClock, systemRandom, within } from "../clock.ts";
import { demand } from "../demand.ts";
import { encodeText } from "../encode-text.ts";
import { type Delivered, RedisError } from "../errors.ts";
import type { Command, CommandResult, RedisFeatures, RedisPort, SendOptions } from "../redis.ts";
import { splitCalls } from "../split-calls.ts";
import { exchange, type Post } from "./http-exchange.ts";
import { afterTries, isPassing } from "./refusal.ts";

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
  const {
    clock = systemClock,
    random = systemRandom,
    timeoutMs = 10_000,
    tryTimeoutMs = 5_000,
    maxTries = 6,
    maxRequestBytes = 8 * 1024 * 1024,
  } = options;
  for (const [option, value] of Object.entries({ timeoutMs, tryTimeoutMs, maxTries, maxRequestBytes }))
    demand(value >= 1, option, "expected a number of at least 1");
  let closed = false;

  /** One request until it is answered or given up; what got no answer has the reason as its result. */
  async function request(texts: readonly string[], deadlineMs: number, signal: AbortSignal | undefined): Promise<CommandResult[]> {
    const results: CommandResult[] = [];
    let left = [...texts.keys()];
    let delivered: Delivered = "no";
    for (let tries = 1; ; tries++) {
      const leftMs = deadlineMs - clock.monotonicMs();
      const sent = !signal?.aborted && !closed && leftMs > 0;
      const stop = new AbortController();
      let answer = sent
        ? await within(
            clock,
            Math.min(tryTimeoutMs, leftMs),
            signal,
            exchange(
              post,
              left.map((i) => texts[i]!),
              stop.signal,
              clock,
            ),
          )
        : undefined;
      if (answer === undefined) {
        // Whether and when a runtime's fetch heeds its signal is its own affair.
        stop.abort();
        const aborted = signal?.aborted;
        const why = aborted ? "given up by its caller" : closed ? "the port is closed" : sent ? "no answer in time" : "no time left";
        answer = { why, delivered: sent ? "unknown" : "no", again: sent && !aborted, cause: signal?.reason };
      }
      let pauseMs = random.float() * Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
      if ("why" in answer) {
        if (answer.delivered === "unknown") delivered = "unknown";
        const error = new RedisError(`redis over HTTP: ${answer.why}`, { ...answer, delivered });
        for (const i of left) results[i] = { error };
        if (!answer.again) return results;
        pauseMs = Math.max(pauseMs, answer.waitMs ?? 0);
      } else {
        for (const [nth, i] of left.entries()) results[i] = afterTries(answer[nth]!, delivered);
        left = left.filter((i) => isPassing(results[i]!.error));
      }
      if (left.length === 0 || tries >= maxTries || clock.monotonicMs() + pauseMs >= deadlineMs) return results;
      await within(clock, pauseMs, signal);
    }
  }

  return {
    async features() {
      return features;
    },
    async send(commands: readonly Command[], { signal, timeoutMs: ownTimeoutMs = timeoutMs }: SendOptions = {}) {
      const deadlineMs = clock.monotonicMs() + ownTimeoutMs;
      const results: CommandResult[] = [];
      const texts = commands.map((command) => JSON.stringify(command));
      // Each with its comma, or its share of the brackets.
      const bounds = { items: maxCommandsPerRequest, bytes: maxRequestBytes - 1 };
      for (const some of splitCalls(texts, bounds, sizeOf)) {
        const why = `not sent: a single call is larger than a request of ${maxRequestBytes} bytes`;
        // One that fits no request has one of its own here.
        if (sizeOf(some[0]!) > bounds.bytes) results.push({ error: new RedisError(why, { delivered: "no" }) });
        else results.push(...(await request(some, deadlineMs, signal)));
      }
      // A refusal by Redis has its word, a failure of the way has none.
      if (results.length > 0 && results.every(({ error }) => error && !error.reply))
        throw (results.find(({ error }) => error!.delivered === "unknown") ?? results[0])!.error;
      return results;
    },
    async close() {
      closed = true;
    },
  };
}

function sizeOf(text: string): number {
  return encodeText(text).length + 1;
}
