import type { Redis } from "@upstash/redis";

/**
 * What a method of `@upstash/redis` does: commands that make the state before (words, or text to be split at `;` and at spaces), the call,
 * and its result. A pipeline has the same methods, so a case holds for it too.
 */
export type Case = readonly [seed: string | readonly (readonly string[])[], call: (redis: Redis) => unknown, result: unknown];

/** Cases by the name of their method. */
export type Cases = Readonly<Record<string, Case>>;
