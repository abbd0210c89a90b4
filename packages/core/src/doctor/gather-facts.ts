import { type Broker, makeBroker } from "../broker.ts";
import { demand } from "../demand.ts";
import { checkDurability, type DurabilityOptions } from "../durability.ts";
import { AsynqError } from "../errors.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import type { SendOptions } from "../redis.ts";
import type { Facts, Known, Sampled } from "./facts.ts";
import { mapKnown, tried } from "./known.ts";
import { type PartLogin, readDenials, readLogins } from "./read-logins.ts";
import { readQueues, watchQueues } from "./read-queues.ts";
import { readRedis } from "./read-redis.ts";
import { readSchedule, readTicks } from "./read-schedule.ts";
import { readServers } from "./read-servers.ts";

/** What is looked at, and how far. */
export interface ExamineOptions extends SendOptions {
  /** Which queues are looked at. Default: all that inspectors can see, as many as `maxQueues` says. */
  readonly queues?: readonly string[] | undefined;
  /** Of more queues so many stand for the rest, drawn by Redis. Default 10,000; over HTTP, where each is a command that is paid for, 500. */
  readonly maxQueues?: number | undefined;
  /**
   * Whether the invariants are looked for. Default: where that takes a moment, so up to 20,000 keys; over HTTP and on a Cluster, up to 20
   * queues besides. `true`: everywhere, however long it takes, without holding Redis up.
   */
  readonly invariants?: boolean | undefined;
  /** The tier of durability that is demanded. Default: none is. */
  readonly durability?: DurabilityOptions | undefined;
  /** The users of Redis that run parts. Default: those of `deploy/acl`, as far as there are. */
  readonly logins?: readonly PartLogin[] | undefined;
}

const maxQueues = { raw: 10_000, json: 500 };
/** A database with more keys than so is looked through for the invariants only when asked for. */
const maxScannedKeys = 20_000;
/** Where each queue is walked by itself. */
const maxScannedQueues = 20;

/**
 * Asks Redis everything that is judged, in about ten requests and one more for each 500 queues; what it does not answer is a fact too. Where a
 * task has waited for long though a server serves it, it looks again two seconds later. Writes nothing.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError} Redis is not reachable
 * @throws {RedisVersionError} it is older than 6.2
 */
export async function gatherFacts(caller: Broker, options: ExamineOptions = {}): Promise<Facts> {
  const { queues: wanted, durability, signal, timeoutMs } = options;
  demand(options.maxQueues === undefined || options.maxQueues >= 1, "maxQueues", "expected a number from 1");
  const send = { signal, timeoutMs };
  const { clock, random, redis } = caller;
  const { codec, cluster } = await redis.features();
  // It asks under its own name, so that nobody's call records wait for it.
  const broker = makeBroker({ redis, clock, random });

  const { names, keys, ...ofRedis } = await readRedis(broker, options.maxQueues ?? maxQueues[codec], send);
  const { nowSec } = ofRedis;
  const picked: Known<Sampled<string>> = wanted === undefined ? names : { value: { total: wanted.length, looked: wanted } };
  const [measured, beating, schedule, ticks, logins, denials] = await Promise.all([
    picked.value === undefined ? { queues: picked, unreadable: [], unsampled: undefined } : readQueues(broker, picked.value, nowSec, send),
    tried(readServers(broker, nowSec, send)),
    tried(readSchedule(broker, send)),
    tried(readTicks(broker, send)),
    tried(readLogins(broker, options.logins, send)),
    tried(readDenials(broker, send)),
  ]);
  const servers: Facts["servers"] = beating.why === undefined ? beating.value : beating;
  const queues = await watchQueues(broker, measured.queues, servers.value ?? [], nowSec, send);
  const unmet = durability && (await checkDurability(redis, durability).then(nothing, unmetTier));
  return {
    ...ofRedis,
    ...{ logins, denials, servers, queues, unreadable: measured.unreadable, unsampled: measured.unsampled, schedule, ticks },
    invariants: await lookForInvariants(caller, options, { keys, queues: picked, walks: cluster || codec === "json" }),
    ...(unmet !== undefined && { durability: unmet }),
  };
}

async function lookForInvariants(
  { redis }: Broker,
  { queues: wanted, invariants, signal }: ExamineOptions,
  of: { readonly keys: Known<number>; readonly queues: Known<Sampled<string>>; readonly walks: boolean },
): Promise<Facts["invariants"]> {
  if (invariants === false) return { value: { findings: [], more: false } };
  if (invariants === undefined) {
    if (of.keys.value === undefined) return { why: of.keys.why };
    if (of.keys.value > maxScannedKeys) return { why: `${of.keys.value} keys are more than are looked through unless asked for` };
    const queues = of.queues.value?.total ?? 0;
    if (of.walks && queues > maxScannedQueues)
      return { why: `${queues} queues are more than are looked through on this way unless asked for` };
  }
  return mapKnown(await tried(scanInvariants(redis, { queues: wanted, signal })), ({ findings, more }) => ({ findings, more }));
}

function nothing(): undefined {}

function unmetTier(error: unknown): string {
  if (error instanceof AsynqError && error.code === "DURABILITY") return error.message;
  throw error;
}
