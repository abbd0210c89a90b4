import { listKeys } from "../broker/list-keys.ts";
import { type KeyVerdict, maxKeysPerRepair, repairKeys } from "../broker/repair-keys.ts";
import type { Broker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import { unixSec } from "../clock.ts";
import { decodeList, decodeOptional } from "../decode-reply.ts";
import { splitKey, sweepCursorKey, sweepFoundKey } from "../keys.ts";
import type { Command } from "../redis.ts";
import { ask, sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";
import { refused, type Spent, type TickOptions, type TickReport } from "./tick.ts";

/** What a sweep mended. */
export interface SweepReport extends Pick<TickReport, "errors"> {
  /** Tasks that were in no container: pending again. */
  readonly requeued: number;
  /** Tasks of a group that were in none: in their group again. */
  readonly regrouped: number;
  /** Active tasks that were in no list: active again, their lease ended, so the recoverer takes them. */
  readonly reactivated: number;
  /** Hashes of no task, or of one that was trimmed. */
  readonly removed: number;
  /** Unique locks whose task is gone, or never had them. */
  readonly unlocked: number;
  /** Groups and aggregation sets that their index lacked. */
  readonly indexed: number;
}

/** A step looks at about so many keys. */
const keysPerStep = 1_000;
/** A tick makes at most so many steps through each part, which take Redis a tenth of a second; over HTTP, where each is paid for, one. */
const maxSteps = { raw: 10, json: 1 };
/** What is unsound is dealt with when it was so this long ago as well: whatever was under way then is over. */
const ripeAfterSec = 60;
/**
 * What was found once and never again is forgotten, and no more than so much is kept. It must outlast a pass through the keyspace: at a step
 * every five minutes that is a day for 288,000 keys.
 */
const forgetAfterSec = 30 * 24 * 3600;
const maxFound = 10_000;

/**
 * Steps through the keyspace for all queues, on a Cluster for each queue given, up to its end, ten steps, over HTTP one, or the end of the budget.
 * Each goes on where the last one, whoever made it, left off: the place is kept in Redis, and so is what was found unsound.
 * @throws {RedisError} the way to Redis failed
 */
export async function sweep(
  broker: Broker,
  { queues, signal }: Pick<TickOptions, "queues" | "signal">,
  spent: Spent,
): Promise<SweepReport> {
  const { cluster, codec } = await broker.redis.features();
  let report: SweepReport = { requeued: 0, regrouped: 0, reactivated: 0, removed: 0, unlocked: 0, indexed: 0, errors: [] };
  for (const part of cluster ? queues : [undefined]) {
    for (let steps = 0, whole = false; !whole && steps < maxSteps[codec] && !spent(); steps++) {
      [report, whole] = await sweepStep(broker, part, report, signal);
    }
  }
  return report;
}

/** One step through a part of the keyspace; and whether it was the last. */
async function sweepStep(
  broker: Broker,
  part: string | undefined,
  before: SweepReport,
  signal: AbortSignal | undefined,
): Promise<[report: SweepReport, whole: boolean]> {
  const place = part ?? "*";
  const kept = await ask(broker.redis, ["HGET", sweepCursorKey, place], (reply) => decodeOptional(reply, decodeText), { signal });
  const page = await listKeys(broker, { queue: part, cursor: kept ?? "0", count: keysPerStep }, { signal });
  const keys = [...new Set(page.keys)].flatMap((key) => readKey(key) ?? []);
  let report = before;
  if (keys.length > 0) {
    const nowSec = unixSec(broker.clock.nowMs());
    const scores = await ask(
      broker.redis,
      ["ZMSCORE", sweepFoundKey, ...keys.map(({ key }) => key)],
      (reply) => decodeList(reply).map((score) => decodeOptional(score, decodeText)),
      { signal },
    );
    const found = keys.map((key, i) => ({ ...key, foundAtSec: scores[i] === undefined ? undefined : Number(scores[i]) }));
    for (const [queue, items] of byQueue(found, ({ queue }) => queue)) {
      for (let at = 0; at < items.length; at += maxKeysPerRepair) {
        const some = items.slice(at, at + maxKeysPerRepair).map(({ item }) => item);
        const ripe = some.map(({ rest, foundAtSec }) => ({ rest, ripe: foundAtSec !== undefined && nowSec - foundAtSec >= ripeAfterSec }));
        const verdicts = await repairKeys(broker, queue, ripe, { signal }).catch(refused);
        if (verdicts instanceof Error) report = { ...report, errors: [...report.errors, { queue, error: verdicts }] };
        else {
          await keepFinds(broker, some, verdicts, nowSec, signal);
          report = count(report, verdicts);
        }
      }
    }
  }
  // Last: a step that was cut short is made again.
  await sendPlain(broker.redis, [page.cursor === "0" ? ["HDEL", sweepCursorKey, place] : ["HSET", sweepCursorKey, place, page.cursor]], {
    signal,
  });
  return [report, page.cursor === "0"];
}

/** Remembers what is unsound for the first time, and forgets what is not any more. */
async function keepFinds(
  broker: Broker,
  keys: readonly { readonly key: string; readonly foundAtSec: number | undefined }[],
  verdicts: readonly KeyVerdict[],
  nowSec: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fresh = keys.filter(({ foundAtSec }, i) => verdicts[i] === "unsound" && foundAtSec === undefined);
  const over = keys.filter(({ foundAtSec }, i) => verdicts[i] !== "unsound" && foundAtSec !== undefined);
  const commands: Command[] = [];
  if (over.length > 0) commands.push(["ZREM", sweepFoundKey, ...over.map(({ key }) => key)]);
  if (fresh.length > 0) {
    commands.push(["ZADD", sweepFoundKey, "NX", ...fresh.flatMap(({ key }) => [String(nowSec), key])]);
    commands.push(["ZREMRANGEBYSCORE", sweepFoundKey, "-inf", String(nowSec - forgetAfterSec)]);
    commands.push(["ZREMRANGEBYRANK", sweepFoundKey, String(maxFound), "-1"]);
  }
  if (commands.length > 0) await sendPlain(broker.redis, commands, { signal });
}

function count(report: SweepReport, verdicts: readonly KeyVerdict[]): SweepReport {
  const sum = { ...report };
  for (const verdict of verdicts) if (verdict !== "sound" && verdict !== "unsound") sum[verdict]++;
  return sum;
}

/** A key of the kinds that can be unsound. */
function readKey(key: string): { readonly key: string; readonly queue: string; readonly rest: string } | undefined {
  const split = splitKey(key);
  return split === undefined || !/^(?:t|g|unique):/.test(split.rest) ? undefined : { key, ...split };
}
