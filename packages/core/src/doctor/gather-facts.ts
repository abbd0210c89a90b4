import { type Broker, makeBroker } from "../broker.ts";
import { sleep, unixSec } from "../clock.ts";
import { decodeCount, decodeList, decodeTime, readReply } from "../decode-reply.ts";
import { demand } from "../demand.ts";
import { checkDurability, type DurabilityOptions } from "../durability.ts";
import { AsynqError, DecodeError, RedisError } from "../errors.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { allQueues } from "../keys.ts";
import type { CommandResult, Reply, SendOptions } from "../redis.ts";
import { decodeText } from "../verdicts.ts";
import { bounds } from "./bounds.ts";
import type { Facts, InfoFields, Known, QueueFacts, Sampled, ServerFacts } from "./facts.ts";
import { measureQueues } from "./measure-queue.ts";
import { type PartLogin, readDenials, readLogins } from "./read-logins.ts";
import { readSchedule, readTicks } from "./read-schedule.ts";
import { readServers } from "./read-servers.ts";
import { sampleTasks } from "./sample-tasks.ts";

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
/** So many queues are looked at closely: those in which most waits or failed. */
const maxSampledQueues = 50;
/** And so many of those in which a task has waited are watched, for so long. */
const maxWatchedQueues = 500;
const watchMs = 2_000;

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

  const sentMs = clock.nowMs();
  const sentAtMs = clock.monotonicMs();
  const [time, info, commands, errors, save, fsync, clusterInfo, queueCount, names, keys] = (await redis.send(
    [
      ["TIME"],
      ["INFO"],
      ["INFO", "commandstats"],
      ["INFO", "errorstats"],
      ["CONFIG", "GET", "save"],
      ["CONFIG", "GET", "appendfsync"],
      ["CLUSTER", "INFO"],
      ["SCARD", allQueues],
      ["SRANDMEMBER", allQueues, String(options.maxQueues ?? maxQueues[codec])],
      ["DBSIZE"],
    ],
    send,
  )) as Ten<CommandResult>;
  const timeMs = read(time, decodeTime);
  const offsetMs = known(timeMs, (at) => at - (sentMs + (clock.monotonicMs() - sentAtMs) / 2));
  const nowSec = unixSec(timeMs.value ?? clock.nowMs());
  const fields = read(info, decodeInfo);

  const picked: Known<Sampled<string>> =
    wanted === undefined
      ? known(read(names, decodeTexts), (looked) => ({ total: queueCount.reply === undefined ? looked.length : count(queueCount), looked }))
      : { value: { total: wanted.length, looked: wanted } };
  const measured = await measure(broker, picked, nowSec, send);
  const [servers, schedule, ticks, logins, denials] = await Promise.all([
    tried(readServers(broker, nowSec, send)),
    tried(readSchedule(broker, send)),
    tried(readTicks(broker, send)),
    tried(readLogins(broker, options.logins, send)),
    tried(readDenials(broker, send)),
  ]);
  const queues = await watch(broker, measured.queues, servers.value?.looked ?? [], nowSec, send);
  const unmet = durability && (await checkDurability(redis, durability).then(nothing, unmetTier));
  const enabled = fields.value?.cluster_enabled === "1";
  return {
    nowSec,
    offsetMs,
    info: fields,
    errors: known(read(errors, decodeInfo), countErrors),
    scriptFlushes: known(read(commands, decodeInfo), countFlushes),
    settings: both(read(save, decodePairs), read(fsync, decodePairs)),
    ...(enabled && { cluster: read(clusterInfo, decodeInfo) }),
    ...{ logins, denials, servers, queues, unreadable: measured.unreadable, schedule, ticks },
    invariants: await lookForInvariants(caller, options, {
      keys: read(keys, (reply) => decodeCount(reply)),
      queues: picked,
      walks: cluster || codec === "json",
    }),
    ...(unmet !== undefined && { durability: unmet }),
  };
}

type Ten<T> = [T, T, T, T, T, T, T, T, T, T];

/** All of them in numbers, and those in which most waits or failed closely. */
async function measure(
  broker: Broker,
  picked: Known<Sampled<string>>,
  nowSec: number,
  options: SendOptions,
): Promise<Pick<Facts, "queues" | "unreadable">> {
  if (picked.value === undefined) return { queues: picked, unreadable: [] };
  const { total, looked: names } = picked.value;
  const outcomes = await measureQueues(broker, names, nowSec, options);
  const looked = outcomes.flatMap(({ value }) => value ?? []);
  const failed = outcomes.flatMap(({ error }, i) => (error === undefined ? [] : [{ queue: names[i]!, error }]));
  // What Redis refuses for every queue is no matter of queues.
  if (looked.length === 0 && failed.length > 0 && (failed[0]!.error as RedisError).reply !== "WRONGTYPE")
    return { queues: { why: failed[0]!.error.message }, unreadable: [] };

  const weightOf = ({ pending, retry, archived, scheduled }: QueueFacts): number => pending + retry + archived + scheduled;
  const close = looked.filter((queue) => weightOf(queue) > 0).sort((a, b) => weightOf(b) - weightOf(a));
  const sampled = close.slice(0, maxSampledQueues).map(({ queue }) => queue);
  const samples = await sampleTasks(broker, sampled, options);
  const tasks = new Map(sampled.map((queue, i) => [queue, samples[i]!.value ?? []]));
  return {
    queues: { value: { total, looked: looked.map((queue) => ({ ...queue, tasks: tasks.get(queue.queue) })) } },
    unreadable: failed.map(({ queue, error }) => ({ queue, why: error.message })),
  };
}

/**
 * Looks once more at the queues in which a task has waited for long though servers take them: one whose next task is the same still, two seconds
 * later, stands; any other is behind.
 */
async function watch(
  broker: Broker,
  measured: Facts["queues"],
  servers: readonly ServerFacts[],
  nowSec: number,
  options: SendOptions,
): Promise<Facts["queues"]> {
  const { total = 0, looked = [] } = measured.value ?? {};
  const served = new Set(servers.flatMap(({ status, queues }) => (status === "active" ? Object.keys(queues) : [])));
  const waiting = looked
    .filter(({ queue, paused, pending }) => !paused && pending > 0 && served.has(queue))
    .filter(({ pendingSinceSec = 0 }) => nowSec - pendingSinceSec >= bounds.waitingSec)
    .sort((a, b) => b.pending - a.pending)
    .slice(0, maxWatchedQueues);
  if (waiting.length === 0) return measured;
  await sleep(broker.clock, watchMs, options.signal);
  const names = waiting.map(({ queue }) => queue);
  const again = await measureQueues(broker, names, nowSec, options);
  const moves = new Map(waiting.map(({ queue, nextId }, i) => [queue, again[i]!.value?.nextId !== nextId]));
  return { value: { total, looked: looked.map((queue) => ({ ...queue, moves: moves.get(queue.queue) })) } };
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
  return known(await tried(scanInvariants(redis, { queues: wanted, signal })), ({ findings, more }) => ({ findings, more }));
}

/** What Redis refused, and what it does not have, is not known; a way that failed is an error. */
async function tried<T>(asked: Promise<T>): Promise<Known<T>> {
  try {
    return { value: await asked };
  } catch (error) {
    const isAnswer =
      (error instanceof RedisError && (error.reply ?? error.status) !== undefined) || (error as Error).cause instanceof DecodeError;
    if (isAnswer) return { why: (error as Error).message };
    throw error;
  }
}

function read<T>({ reply, error }: CommandResult, decode: (reply: Reply) => T): Known<T> {
  if (error !== undefined) return { why: error.message };
  try {
    return { value: readReply(reply, decode) };
  } catch (cause) {
    return { why: (cause as RedisError).message };
  }
}

function known<T, R>(from: Known<T>, then: (value: T) => R): Known<R> {
  return from.why === undefined ? { value: then(from.value) } : { why: from.why };
}

function both(one: Known<InfoFields>, other: Known<InfoFields>): Known<InfoFields> {
  return one.why === undefined && other.why === undefined ? { value: { ...one.value, ...other.value } } : { why: (one.why ?? other.why)! };
}

function count({ reply }: CommandResult): number {
  return typeof reply === "number" ? reply : 0;
}

function decodeTexts(reply: Reply): string[] {
  return decodeList(reply).map(decodeText).sort();
}

function decodeInfo(reply: Reply): InfoFields {
  const fields: Record<string, string> = Object.create(null);
  for (const line of decodeText(reply).split(/\r?\n/)) {
    const at = line.indexOf(":");
    if (at > 0 && !line.startsWith("#")) fields[line.slice(0, at)] = line.slice(at + 1);
  }
  return fields;
}

/** What `CONFIG GET` answers. */
function decodePairs(reply: Reply): InfoFields {
  const words = decodeList(reply).map(decodeText);
  return Object.fromEntries(words.flatMap((name, i) => (i % 2 === 0 ? [[name, words[i + 1] ?? ""]] : [])));
}

/** `errorstat_NOPERM:count=3`. */
function countErrors(fields: InfoFields): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(fields).map(([name, value]) => [name.replace("errorstat_", ""), Number(/count=(\d+)/.exec(value)?.[1] ?? 0)]),
  );
}

/** `cmdstat_script|flush:calls=3,…`; a Redis before 7.0 counts all of `SCRIPT` as one. */
function countFlushes(fields: InfoFields): number {
  return Number(/calls=(\d+)/.exec(fields["cmdstat_script|flush"] ?? "")?.[1] ?? 0);
}

function nothing(): undefined {}

function unmetTier(error: unknown): string {
  if (error instanceof AsynqError && error.code === "DURABILITY") return error.message;
  throw error;
}
