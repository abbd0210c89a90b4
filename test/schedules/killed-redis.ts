import { RedisError, type RedisPort } from "@asynqjs/core";

/** A port whose process is killed at a request: before it left, or when it was carried out and its reply was not read. */
export interface KilledRedis extends RedisPort {
  /** Whether the process came so far. */
  readonly killed: boolean;
}

/** Carries so many requests out before. */
export function killedRedis(redis: RedisPort, lives: number, loses: "request" | "reply"): KilledRedis {
  let sent = 0;
  const gone = (delivered: "no" | "unknown"): RedisError => new RedisError("killed", { delivered });
  return {
    ...redis,
    get killed() {
      return sent > lives;
    },
    async send(commands, options) {
      const nth = sent++;
      if (nth > lives || (nth === lives && loses === "request")) throw gone(nth > lives ? "no" : "unknown");
      const results = await redis.send(commands, options);
      if (nth === lives) throw gone("unknown");
      return results;
    },
  };
}
