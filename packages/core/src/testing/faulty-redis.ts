import { RedisError } from "../errors.ts";
import type { Command, RedisPort } from "../redis.ts";

/** A port over another that can be told to fail: the only double of Redis there is. */
export interface FaultyRedis extends RedisPort {
  /** Loses the request before it arrives: the next call throws, `delivered: "unknown"` to its caller, nothing written. */
  dropRequest(): void;
  /** Carries the next call out and loses its answer. */
  dropReply(): void;
  /** What was sent, in order, to be sent again. */
  readonly sent: readonly (readonly Command[])[];
}

/** A port that loses what it is told to lose. */
export function faultyRedis(redis: RedisPort): FaultyRedis {
  const sent: (readonly Command[])[] = [];
  let fault: "request" | "reply" | undefined;
  return {
    sent,
    features: () => redis.features(),
    close: () => redis.close(),
    dropRequest() {
      fault = "request";
    },
    dropReply() {
      fault = "reply";
    },
    async send(commands, options) {
      const now = fault;
      fault = undefined;
      sent.push(commands);
      if (now === "request") throw new RedisError("the request was lost", { delivered: "unknown" });
      const results = await redis.send(commands, options);
      if (now === "reply") throw new RedisError("the reply was lost", { delivered: "unknown" });
      return results;
    },
  };
}

/** A port that sends every request twice and answers what the second was answered: whatever passes on it bears any replay. */
export function replayingRedis(redis: RedisPort): RedisPort {
  return {
    features: () => redis.features(),
    close: () => redis.close(),
    async send(commands, options) {
      await redis.send(commands, options);
      return redis.send(commands, options);
    },
  };
}

/**
 * A port that carries so many requests out, loses the next one, or, where nothing else is said, carries that out too and loses its reply,
 * and is gone: its process was killed then.
 */
export function mortalRedis(redis: RedisPort, lives: number, loses: "request" | "reply" = "reply"): RedisPort {
  let sent = 0;
  return {
    ...redis,
    async send(commands, options) {
      if (sent++ > lives) throw new RedisError("gone", { delivered: "no" });
      if (sent > lives && loses === "request") throw new RedisError("the request was lost", { delivered: "unknown" });
      const results = await redis.send(commands, options);
      if (sent > lives) throw new RedisError("the reply was lost", { delivered: "unknown" });
      return results;
    },
  };
}
