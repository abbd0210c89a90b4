/** What directed histories are made of. @module */
import { dequeue } from "@asynqjs/core";
import { goRedis } from "../../go-peer.ts";
import type { WorkerLine } from "../../interop-test.ts";
import { JsonProcess } from "../../json-process.ts";
import type { Lane } from "../lane.ts";
import { type Move, type MoveTask, queuePriorities } from "../moves.ts";
import type { Work } from "../side.ts";

/** What a history is played with: a lane, and the Go program. */
export interface Directed {
  readonly lane: Lane;
  readonly file: string;
}

/** A history for each row of `docs/extensions.md` that can be seen: ours shows it, and Go the nearest it has. */
export type DirectedHistories = Readonly<Record<string, (given: Directed) => Promise<void>>>;

export const queue = "default";

/** A key of the queue. */
export function key(name: string): string {
  return `asynq:{${queue}}:${name}`;
}

export function task(payload: string, id = "a", options: MoveTask["options"] = {}, type = "t"): MoveTask {
  return { type, payload: new TextEncoder().encode(payload), id, options };
}

export function enqueue(...tasks: readonly MoveTask[]): Move {
  return { move: "enqueue", queue, tasks };
}

export function pass(sec: number): Move {
  return { move: "pass", sec };
}

export const pause: Move = { move: "pause", queue };
const unpause: Move = { move: "unpause", queue };

export function work(more: Partial<Work> = {}): Move {
  return { move: "work", whileHeld: "nothing", groupMaxSize: undefined, ...more };
}

export async function play(lane: Lane, ...moves: readonly Move[]): Promise<void> {
  for (const move of moves) await lane.make(move);
}

/** A server of Go's that is started and ended by hand. */
export const session = { queues: queuePriorities, fixedDelay: true, aggregate: false, groupMaxSize: 0, shutdownTimeoutMs: 10 };

export async function until(holds: () => Promise<unknown>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
}

export async function nothing(): Promise<void> {}

/** A worker takes what is ready and is never heard of again; a task's type is `hang`, of which Go's handler does not end. */
export function crash({ lane, file }: Directed, count: number): Promise<void> {
  const inGo = async (): Promise<void> => {
    const settings = { redis: goRedis(lane.go.database.url), queues: queuePriorities, concurrency: 10 };
    const worker = new JsonProcess<WorkerLine>(file, ["work", JSON.stringify(settings)]);
    for (let since = 0, runs = 0; runs < count; since++) if ((await worker.told(() => true, since)).event === "run") runs++;
    await worker.end("SIGKILL");
    await forgetServers(lane);
  };
  return lane.step("crash", inGo, () => dequeue(lane.ours.broker, [queue], 100));
}

/** What a server of Go's told of itself is over by itself, in ten seconds. */
export async function forgetServers(lane: Lane): Promise<void> {
  const { redis } = lane.go.database;
  const told = [...(await redis.keys("asynq:servers*")), ...(await redis.keys("asynq:workers*"))];
  if (told.length > 0) await redis.del(...told);
}

/** Crashed tasks are recovered and become ready again; nobody takes one. */
export async function recoverAndForward(lane: Lane): Promise<void> {
  await play(lane, pause, pass(100), work(), pass(100), work(), unpause);
}
