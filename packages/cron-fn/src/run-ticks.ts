import {
  type Broker,
  checkSkew,
  type ForwardReport,
  forward,
  isCorrected,
  type JanitorReport,
  janitor,
  listQueues,
  type RecoverReport,
  type RepairReport,
  recover,
  repair,
} from "@asynqjs/core";

/** The ticks that need nothing of yours, by Asynq's names of what does the same in a server. */
export const tickNames = ["forward", "recover", "janitor", "repair"] as const;
export type TickName = (typeof tickNames)[number];

export interface RunTicksOptions {
  /** Which ticks, in this order. Default: all. */
  readonly ticks?: readonly TickName[] | undefined;
  /** Which queues. Default: all that `asynq:queues` names. */
  readonly queues?: readonly string[] | undefined;
  /** How long each tick may take on more, milliseconds. Default 10,000. */
  readonly budgetMs?: number | undefined;
  /** Whether `repair` sweeps the keyspace too. Default: where Redis is reached directly. */
  readonly sweep?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What each tick that ran did. */
export interface TicksReport {
  readonly forward?: ForwardReport;
  readonly recover?: RecoverReport;
  readonly janitor?: JanitorReport;
  readonly repair?: RepairReport;
}

/**
 * Runs maintenance once: what a platform's cron calls every minute. Any number of copies may run at once, and each may be killed at any
 * moment: the next one goes on. What is trimmed goes by the broker's limits: give it those your servers have.
 * With a corrected clock the tick looks at Redis' own first.
 * @throws {RedisError} the way to Redis failed; call it again
 * @throws {ClockSkewError} the clocks are more than five minutes apart
 */
export async function runTicks(
  broker: Broker,
  { ticks = tickNames, queues, sweep, ...limits }: RunTicksOptions = {},
): Promise<TicksReport> {
  if (isCorrected(broker.clock)) {
    await broker.clock.look(broker.redis);
    checkSkew(broker.clock);
  }
  const served = queues ?? (await listQueues(broker));
  const report: { -readonly [Name in TickName]?: TicksReport[Name] } = {};
  for (const tick of ticks) {
    switch (tick) {
      case "forward":
        report.forward = await forward(broker, { ...limits, queues: served });
        break;
      case "recover":
        report.recover = await recover(broker, { ...limits, queues: served });
        break;
      case "janitor":
        report.janitor = await janitor(broker, { ...limits, queues: served });
        break;
      case "repair":
        report.repair = await repair(broker, { ...limits, queues: served, sweep });
        break;
    }
  }
  return report;
}
