import type { Broker } from "../broker.ts";
import { decodeList } from "../decode-reply.ts";
import { RedisError, type StaleCallError } from "../errors.ts";
import { pausedKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { countTasks } from "../lua/count-tasks.ts";
import { owns } from "../lua/owns.ts";
import { ofOthers, settleTasks } from "../lua/settle-tasks.ts";
import { sizeOf } from "../lua/size-of.ts";
import { beforeTaking, takenSoFar, takeTasks, tellTaken, tellTakenAgain } from "../lua/take-tasks.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, type Outcome, runAll } from "../script.ts";
import { splitAt } from "../verdicts.ts";
import { bindDequeue, type DequeueReply, type DequeueReport, decodeDequeued, type FetchArgs, fetchArgs, fetchCall } from "./dequeue.ts";
import {
  bindSettle,
  decodeSettled,
  otherKeys,
  type SettleCall,
  type SettleReply,
  type SettleReport,
  settleArgs,
  settleCalls,
  settleKeys,
  type TaskOutcome,
  withOutcomes,
} from "./settle.ts";

/** What is to be fetched with a settle: as `dequeue` does, from at most 250 queues. */
export interface Fetch {
  readonly queues: readonly string[];
  readonly limit: number;
  /** Whether one suspect may be among the tasks. */
  readonly suspect: boolean;
  /**
   * Redis need not remember what this call reads, to tell when it changes: of a connection that asked for that, all but what it asked to leave
   * out (`CLIENT TRACKING` with `OPTOUT`), this costs a fifth of a call with one task. Default false.
   */
  readonly unwatched?: boolean;
}

export interface SettledAndDequeued {
  readonly settled: SettleReport;
  /** What was fetched, or why Redis refused that part. */
  readonly dequeued: DequeueReport | RedisError | StaleCallError;
}

const args = { ...fetchArgs, ...settleArgs } as const;

/**
 * `settle`, and then `dequeue`, of one queue: a second script, a second record and a second look at the same containers would be a fifth of
 * what a call with one task costs. Its record keeps both answers.
 */
export const settleAndDequeueScript = defineScript({
  name: "settle-and-dequeue",
  effect: "record-in-body",
  allowOom: true,
  keys: [...settleKeys, "pending", "scheduled", "paused", ...otherKeys],
  args,
  lua: /* lua */ `
    local command, attempt = redis.call, redis.pcall
    ${containers}
    ${sizeOf}
    ${ofOthers}
    ${owns}
    ${countTasks}
    ${takenSoFar}

    if replayed then
      local settled_before, replayed = string.match(replayed, "^([^;]*;)(.*)")
      local lease_of, prefix_of = { lease }, { prefix }
      ${tellTakenAgain}
    end

    local may_take = size_of("ZCARD", scheduled) and size_of("LLEN", pending) and 1 - command("EXISTS", paused)
    local words_before = ${2 + Object.keys(args).length}
    ${settleTasks}
    ${beforeTaking}
    local settled_before, item = verdict .. ";", 1
    if may_take == 1 then
      local held = command("ZCARD", lease)
      ${takeTasks}
    else
      counts[item] = may_take or "x"
    end
    ${tellTaken}
  `,
  decode: decodeBoth,
});

/**
 * `settle`, and behind it `dequeue`, in one request: a worker's slots are free in Redis before they are filled again, and a task costs it
 * one round trip instead of two. For one Redis; on a Cluster the two may lie on different nodes. One script does both where all outcomes are
 * of the one queue that is asked, and fit into a call.
 *
 * May be repeated: by the port, as the same calls. Each has its own record.
 * @throws {InvalidOptionError} as `settle`
 * @throws {RedisError} the way to Redis failed: `unknown` means some may be settled, and some fetched
 */
export async function settleAndDequeue(
  broker: Broker,
  outcomes: readonly TaskOutcome[],
  { queues, limit, suspect, unwatched = false }: Fetch,
  options: SendOptions = {},
): Promise<SettledAndDequeued> {
  const before = unwatched ? [["CLIENT", "CACHING", "NO"]] : [];
  const settling = settleCalls(broker, outcomes);
  const fetching = fetchCall(broker, queues, limit, suspect);
  const [call] = settling.parts;
  const { cluster } = await broker.redis.features();
  const sentAtMs = broker.clock.monotonicMs();
  if (!cluster && settling.parts.length === 1 && queues.length === 1 && call!.queue === queues[0]) {
    const [outcome] = await runAll(broker, [{ ...bindBoth(call!, fetching.args), before }], options);
    const { value, error } = outcome!;
    if (value !== undefined) return { settled: settling.read([{ value: value.settled }]), dequeued: fetching.read(value.dequeued) };
    // A container of the wrong kind stops one of the two, perhaps, or an outcome of many: so each goes by itself.
    if (!(error instanceof RedisError && error.reply === "WRONGTYPE")) return { settled: settling.read([{ error }]), dequeued: error };
  }
  const scripts: readonly BoundScript<unknown>[] = [...settling.parts.map(bindSettle), bindDequeue(queues, fetching.args)];
  const left = { ...options, timeoutMs: options.timeoutMs && options.timeoutMs + sentAtMs - broker.clock.monotonicMs() };
  const answers = await runAll(
    broker,
    scripts.map((script) => ({ ...script, before })),
    left,
  );
  const { value, error } = answers.pop() as Outcome<DequeueReply>;
  return {
    settled: settling.read(answers as Outcome<SettleReply>[]),
    dequeued: error ?? fetching.read(value),
  };
}

function bindBoth(call: SettleCall, args: FetchArgs): BoundScript<BothReply> {
  const { queue, keys } = call;
  const bound = bind(settleAndDequeueScript, { queue, keys: { ...keys, paused: pausedKey(queue) }, args: { ...args, ...call.args } });
  return withOutcomes(bound, call, otherKeys.length);
}

interface BothReply {
  readonly settled: SettleReply;
  readonly dequeued: DequeueReply;
}

/** What `settle` answers and a semicolon, before what `dequeue` does. */
function decodeBoth(reply: Reply, items: number): BothReply {
  const [head = null, ...tasks] = decodeList(reply);
  const [settled, found] = splitAt(";", head);
  return { settled: decodeSettled(settled, items), dequeued: decodeDequeued([found, ...tasks], 1) };
}
