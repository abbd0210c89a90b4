import { type CommandResult, type RedisPort, sleep, systemClock } from "@asynqjs/core";
import { type Finding, scanInvariants, totalQueue } from "@asynqjs/core/invariants";
import { fateOf } from "./fates.ts";
import type { Answer, Story } from "./history.ts";
import type { Life } from "./life.ts";

/** What came of a life in the end. */
export interface Accounts {
  readonly acknowledged: number;
  /** Answered with `delivered: "unknown"`, or with "no". */
  readonly unknown: number;
  readonly refused: number;
  /** Runs beyond those that a task needs, in all, and of whom. */
  readonly extraRuns: number;
  readonly again: readonly string[];
  /** Two runs of a task at the same time. */
  readonly overlaps: number;
  /** What must never be. */
  readonly wrong: {
    /** Acknowledged, and neither done nor there. */
    readonly lost: readonly string[];
    /** Ran, though its caller was told that nothing was written, or nobody asked for it. */
    readonly unexpected: readonly string[];
    /** Where no task of its kind ends. */
    readonly stuck: readonly string[];
    /** Of `scanInvariants`. */
    readonly findings: readonly Finding[];
  };
}

const containers = [
  ["LLEN", "pending"],
  ["LLEN", "active"],
  ["ZCARD", "lease"],
  ["ZCARD", "scheduled"],
  ["ZCARD", "retry"],
  ["SCARD", "groups"],
  ["ZCARD", "aggregation_sets"],
  ["ZCARD", "js:quarantine"],
] as const;

/**
 * Resolves when every task is where it ends. Where `aging`, leases of tasks that no server holds any more, and sets that nobody aggregates
 * any more, count as some minutes older than they are: that is what a lost master left behind, and nobody waits for the minutes.
 */
export async function drained(life: Life, { aging, timeoutMs }: { readonly aging: boolean; readonly timeoutMs: number }): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const counts = await replies(
      life.port,
      life.queues.flatMap((queue) => [
        ...containers.map(([command, name]) => [command, `asynq:{${queue}}:${name}`]),
        ["ZCOUNT", `asynq:{${queue}}:completed`, "-inf", String(Math.floor(Date.now() / 1000) + 60)],
      ]),
    );
    if (counts.every((count) => count === 0)) return;
    if (performance.now() > untilMs) throw new Error(`not drained: ${JSON.stringify(counts)}`);
    if (aging && life.sum("busy") === 0) await age(life.port, life.queues);
    await sleep(systemClock, 200);
  }
}

async function age(port: RedisPort, queues: readonly string[]): Promise<void> {
  for (const queue of queues) {
    for (const [name, bySec] of [
      ["lease", 61],
      ["aggregation_sets", 300],
    ] as const) {
      const key = `asynq:{${queue}}:${name}`;
      const [members] = await replies(port, [["ZRANGEBYSCORE", key, String(Math.floor(Date.now() / 1000) - 30), "+inf"]]);
      await replies(
        port,
        (members as readonly Uint8Array[]).map((member) => ["ZINCRBY", key, String(-bySec), member]),
      );
    }
  }
}

/** Compares what was asked for with what was run and what is there, and scans what is there. After `drained`. */
export async function settleAccounts({ port, history }: Life): Promise<Accounts> {
  const stories = [...history.stories.values()];
  const states = await replies(
    port,
    stories.map(({ id, queue }) => ["HGET", `asynq:{${queue}}:t:${id}`, "state"]),
  );
  const placeOf = new Map(
    stories.map(({ id }, i) => [id, states[i] === null ? "gone" : new TextDecoder().decode(states[i] as Uint8Array)]),
  );
  const extraOf = ({ type, runs }: Story): number => runs - fateOf(type)!.runs;
  const isOver = (story: Story): boolean => placeOf.get(story.id) === fateOf(story.type)!.ends && extraOf(story) >= 0;
  const isLeft = ({ id, type }: Story): boolean => ![fateOf(type)!.ends, "gone"].includes(placeOf.get(id)!);
  const idsOf = (are: (story: Story) => boolean): string[] => stories.filter(are).map(({ id }) => id);
  const answered = (answer: Answer): number => stories.filter((story) => story.answer === answer).length;
  const { lost, unexpected, stuck, overlaps } = totalQueue(history.events, { over: idsOf(isOver), left: idsOf(isLeft) });
  const { findings } = await scanInvariants(port);
  return {
    acknowledged: answered("acknowledged"),
    unknown: answered("unknown"),
    refused: answered("refused"),
    extraRuns: stories.reduce((extra, story) => extra + Math.max(0, extraOf(story)), 0),
    again: idsOf((story) => extraOf(story) > 0),
    overlaps: overlaps.length,
    wrong: { lost, unexpected, stuck, findings },
  };
}

async function replies(port: RedisPort, commands: readonly (readonly (string | Uint8Array)[])[]): Promise<CommandResult["reply"][]> {
  const all: CommandResult["reply"][] = [];
  for (let at = 0; at < commands.length; at += 1_000) {
    for (const { reply, error } of await port.send(commands.slice(at, at + 1_000))) {
      if (error !== undefined) throw error;
      all.push(reply);
    }
  }
  return all;
}
