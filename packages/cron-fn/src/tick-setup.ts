import {
  type Clock,
  checkLimits,
  correctedClock,
  type LimitOptions,
  makeBroker,
  type Random,
  type RedisPort,
  systemClock,
  systemRandom,
} from "@asynqjs/core";
import { type RunTicksOptions, runTicks, type TicksReport } from "./run-ticks.ts";

/** What a trigger is given: a way to Redis, and how the ticks run. */
export interface TickSetup extends RunTicksOptions {
  /** It stays open: a port over HTTP holds nothing, another is its maker's to close. */
  readonly redis: RedisPort;
  /** How much of what is over is kept, as your servers have it set; the lowest wins. Default: Asynq's. */
  readonly limits?: LimitOptions | undefined;
  /** Default: the machine's, corrected by Redis' own. */
  readonly clock?: Clock | undefined;
  /** Default: the machine's. */
  readonly random?: Random | undefined;
}

/** Runs the ticks of a setup once, as a client of its own. @throws as `runTicks` */
export async function runSetup({ redis, limits = {}, clock, random = systemRandom, ...options }: TickSetup): Promise<TicksReport> {
  const broker = makeBroker({ redis, clock: clock ?? correctedClock(systemClock), random, limits: checkLimits(limits) });
  return runTicks(broker, options);
}
