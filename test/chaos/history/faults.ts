import type { Random } from "@asynqjs/core";
import { ageLeases } from "../../support/age-leases.ts";
import type { HttpFaults } from "../../support/http-faults.ts";
import type { TcpFault, TcpFaults } from "../../support/tcp-faults.ts";
import type { LabRedis } from "../lab.ts";
import { machineMs } from "../machine-ms.ts";
import type { Crew, Post } from "./crew.ts";
import type { Fault } from "./explain-runs.ts";

/** What faults strike. */
export interface Target {
  readonly crew: Crew;
  readonly redis: LabRedis;
  readonly queues: readonly string[];
  /** The producers' ways. */
  readonly toRedis: TcpFaults;
  readonly toGateway: HttpFaults;
  readonly random: Random;
  /** Keeps what was done. */
  readonly note: (fault: Fault) => void;
}

/** Does it; answers false where there was nobody to do it to. */
export type Strike = (target: Target) => unknown;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function one<T>({ random }: Target, of: readonly T[]): T {
  return of[Math.floor(random.float() * of.length)]!;
}

/** One of this kind to whom nothing is being done, if another stays. */
function idlePost(target: Target, kind: Post["kind"]): Post | undefined {
  const idle = target.crew.posts.filter((post) => post.kind === kind && !post.busy);
  return idle.length > 1 ? one(target, idle) : undefined;
}

function ending(fault: string, kind: Post["kind"], signal: "SIGKILL" | "SIGTERM"): Strike {
  return async (target) => {
    const post = idlePost(target, kind);
    if (post === undefined) return false;
    post.busy = true;
    const fromMs = machineMs();
    await post.worker.end(signal);
    target.note({ fault, worker: post.worker.name, fromMs, untilMs: machineMs() });
    await target.crew.replace(post);
    post.busy = false;
    return true;
  };
}

/** Past its leases as others see it: they are made those of a minute ago. What the worker itself knows of time is another matter. */
function freezing(kind: Post["kind"]): Strike {
  return async (target) => {
    const post = idlePost(target, kind);
    if (post === undefined) return false;
    post.busy = true;
    const fromMs = machineMs();
    post.worker.signal("SIGSTOP");
    const held = [...post.worker.running().values()];
    for (const queue of target.queues)
      await ageLeases(
        target.redis.admin,
        queue,
        held.flatMap((run) => (run.queue === queue ? run.id! : [])),
      );
    await sleep(2_000 + target.random.float() * 3_000);
    post.worker.signal("SIGCONT");
    target.note({ fault: `freeze ${kind}, leases made old`, worker: post.worker.name, fromMs, untilMs: machineMs() });
    post.busy = false;
    return true;
  };
}

/** The real thing: a lease of 30 s, 30 s more until its tasks count as lost, and then some. */
const realFreezeMs = 66_000;

export function freezingForReal(kind: Post["kind"]): Strike {
  return async (target) => {
    const post = idlePost(target, kind);
    if (post === undefined) return false;
    post.busy = true;
    const fromMs = machineMs();
    post.worker.signal("SIGSTOP");
    await sleep(realFreezeMs);
    post.worker.signal("SIGCONT");
    target.note({ fault: `freeze ${kind} for ${realFreezeMs / 1000} s`, worker: post.worker.name, fromMs, untilMs: machineMs() });
    post.busy = false;
    return true;
  };
}

const tcpLosses: readonly TcpFault[] = ["drop-request", "drop-reply", "half-reply", "hold-reply"];
const httpLosses = [
  ...(["reset", "drop-reply", "half-reply"] as const),
  "hold-reply" as const,
  ...[429, 500, 502].map((status) => ({ status })),
];

/** What happens at once, to one process or to all. */
function noteNow({ note }: Target, fault: string, worker?: string): void {
  const nowMs = machineMs();
  note({ fault, worker, fromMs: nowMs, untilMs: nowMs });
}

const cutWorker: Strike = (target) => {
  const post = one(target, target.crew.posts);
  const loss = one(target, tcpLosses);
  post.way.next(loss, "\nEVAL", { onStrike: () => noteNow(target, `cut ${post.kind}: ${loss}`, post.worker.name) });
};

const cutAll: Strike = (target) => {
  const post = one(target, target.crew.posts);
  post.way.cut();
  noteNow(target, `cut ${post.kind}: all connections`, post.worker.name);
};

const cutProducer: Strike = (target) => {
  const loss = one(target, tcpLosses);
  target.toRedis.next(loss, "\nEVAL", { onStrike: () => noteNow(target, `cut producer: ${loss}`, "producer") });
};

const failGateway: Strike = (target) => {
  const loss = one(target, httpLosses);
  target.toGateway.next(loss);
  noteNow(target, `gateway: ${typeof loss === "string" ? loss : loss.status}`, "producer");
};

/** What a script takes away from a queue is noted task by task. */
function evicting(fault: string, script: string, ...names: readonly string[]): Strike {
  return (target) => evictFrom(target, one(target, target.queues), fault, script, names);
}

async function evictFrom(target: Target, queue: string, fault: string, script: string, names: readonly string[]): Promise<boolean> {
  const keys = names.map((name) => `asynq:{${queue}}:${name}`);
  const fromMs = machineMs();
  const ids = (await target.redis.admin.eval(script, keys.length, ...keys)) as string[];
  if (ids.length === 0) return false;
  target.note({ fault, fromMs, untilMs: machineMs(), tasks: ids.map((id) => `${queue} ${id}`) });
  return true;
}

/** The longest that a queue is paused. */
const longestPauseMs = 2_000;

/** Workers take what is pending within a millisecond, so the queue is paused until something is. */
function evictingPending(fault: string, script: string, ...names: readonly string[]): Strike {
  return async (target) => {
    const { admin } = target.redis;
    const queue = one(target, target.queues);
    const paused = `asynq:{${queue}}:paused`;
    await admin.set(paused, "1", "PX", 2 * longestPauseMs);
    try {
      for (const untilMs = machineMs() + longestPauseMs; machineMs() < untilMs && (await admin.llen(`asynq:{${queue}}:pending`)) < 5; )
        await sleep(20);
      return await evictFrom(target, queue, fault, script, names);
    } finally {
      await admin.del(paused);
    }
  };
}

const takeKey = (range: "LRANGE" | "ZRANGE"): string =>
  `local ids = redis.call("${range}", KEYS[1], 0, -1) redis.call("DEL", KEYS[1]) return ids`;

const takeSome = `
  local ids = redis.call("ZRANDMEMBER", KEYS[1], 3)
  if #ids > 0 then redis.call("ZREM", KEYS[1], unpack(ids)) end
  return ids`;

/** Tasks themselves, that nobody has taken yet: they are gone, and named. */
export const evictTasks = "evict tasks";
const takeTasks = `
  local gone = {}
  for _, id in ipairs(redis.call("LRANGE", KEYS[1], -3, -1)) do
    if redis.call("HGET", KEYS[2] .. id, "state") == "pending" and redis.call("DEL", KEYS[2] .. id) == 1 then gone[#gone + 1] = id end
  end
  return gone`;

const evictRecords: Strike = async (target) => {
  const { admin } = target.redis;
  for await (const keys of admin.scanStream({ match: "asynq:*:js:call:*", count: 1_000 })) if (keys.length > 0) await admin.unlink(...keys);
  noteNow(target, "evict call records");
};

/** What tells of queues and servers, and how far repair is. */
const evictIndexes: Strike = async (target) => {
  await target.redis.admin.unlink("asynq:queues", "asynq:servers", "asynq:workers", "asynq:js:sweep", "asynq:js:cancel");
  noteNow(target, "evict indexes");
};

const freezeRedis: Strike = async (target) => {
  const fromMs = machineMs();
  await target.redis.server.kill("SIGSTOP");
  await sleep(500 + target.random.float() * 3_500);
  await target.redis.server.kill("SIGCONT");
  target.note({ fault: "freeze Redis", fromMs, untilMs: machineMs() });
};

function command(fault: string, ...words: [string, ...string[]]): Strike {
  return async (target) => {
    await target.redis.admin.call(...words);
    noteNow(target, fault);
  };
}

/** All that may happen, and how often compared with the others. */
export const strikes: readonly (readonly [share: number, strike: Strike])[] = [
  [6, ending("kill node", "node", "SIGKILL")],
  [4, ending("kill go", "go", "SIGKILL")],
  [2, ending("shut down node", "node", "SIGTERM")],
  [1, ending("shut down go", "go", "SIGTERM")],
  [4, freezing("node")],
  [3, freezing("go")],
  [8, cutWorker],
  [1, cutAll],
  [2, cutProducer],
  [4, failGateway],
  [3, evicting("evict leases", takeSome, "lease")],
  [1, evicting("evict lease", takeKey("ZRANGE"), "lease")],
  [1, evicting("evict retry", takeKey("ZRANGE"), "retry")],
  [1, evictingPending("evict pending", takeKey("LRANGE"), "pending")],
  [2, evictRecords],
  [1, evictIndexes],
  [1, evictingPending(evictTasks, takeTasks, "pending", "t:")],
  [1, freezeRedis],
  [2, command("forget scripts", "SCRIPT", "FLUSH")],
  [1, command("kill connections", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")],
  [1, command("kill subscriptions", "CLIENT", "KILL", "TYPE", "pubsub")],
];
