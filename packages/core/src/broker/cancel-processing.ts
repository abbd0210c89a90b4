import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { decodeList, decodeRows, decodeScore } from "../decode-reply.ts";
import { cancelChannel, cancelIntentsKey, narrowCancelChannel } from "../keys.ts";
import type { Command, Reply, SendOptions } from "../redis.ts";
import { ask, sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

/** Which run of a task is to end. */
export interface CancelTarget {
  readonly id: string;
  /** Without it every task of that id is meant, in whatever queue, as in Asynq. */
  readonly queue?: string | undefined;
  /** The run of this lease alone; with `queue`. */
  readonly token?: number | undefined;
}

/** A cancelation that is still to be heard of by whoever missed the message. */
export interface CancelIntent extends CancelTarget {
  /** Runs that started later are not meant. Epoch milliseconds. */
  readonly canceledAtMs: number;
}

/** How long a cancelation waits for a server that did not hear the message. */
export const cancelKeptSec = 60;
/** A look reads at most so many. */
const maxIntents = 1_000;

/**
 * Asks the servers to end runs: at once by a message, which Go's servers hear too where no queue is named, and for 60 s by a note that our
 * servers look for while they run tasks, since a message is lost on who is reconnecting. Best effort: a task that is not running is left alone.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 * @see Asynq internal/rdb/rdb.go, `PublishCancelation`
 */
export async function cancelProcessing(broker: Broker, targets: readonly CancelTarget[], options: SendOptions = {}): Promise<void> {
  if (targets.length === 0) return;
  const nowMs = broker.clock.nowMs();
  const nowSec = unixSec(nowMs);
  // To the millisecond: a task that begins in the second in which another run of it was canceled is not meant.
  const keptUntilSec = Math.floor(nowMs) / 1000 + cancelKeptSec;
  const commands: Command[] = [
    // The note first: who misses the message must find it.
    ["ZADD", cancelIntentsKey, ...targets.flatMap((target) => [String(keptUntilSec), intentText(target)])],
    ["ZREMRANGEBYSCORE", cancelIntentsKey, "-inf", `(${nowSec}`],
    ...targets.map((target) =>
      target.queue === undefined ? ["PUBLISH", cancelChannel, target.id] : ["PUBLISH", narrowCancelChannel, intentText(target)],
    ),
  ];
  await sendPlain(broker.redis, commands, options);
}

/**
 * The cancelations of the last 60 s. Reads only.
 * @throws {RedisError}
 */
export async function listCancelIntents({ redis, clock }: Broker, options: SendOptions = {}): Promise<CancelIntent[]> {
  const nowSec = unixSec(clock.nowMs());
  const found = ["ZRANGEBYSCORE", cancelIntentsKey, String(nowSec), "+inf", "WITHSCORES", "LIMIT", "0", String(maxIntents)];
  return ask(redis, found, decodeIntents, options);
}

function decodeIntents(reply: Reply): CancelIntent[] {
  return decodeRows(decodeList(reply), 2).map(([target, score]) => ({
    ...readCancelTarget(decodeText(target!)),
    canceledAtMs: Math.round((decodeScore(score!) - cancelKeptSec) * 1000),
  }));
}

/** Reads what `cancelProcessing` notes and publishes: `\n<id>`, `<queue>\n<id>` or `<queue>\n<id>\n<token>`. */
export function readCancelTarget(text: string): CancelTarget {
  const [queue, id = "", token] = text.split("\n");
  return { id, queue: queue === "" ? undefined : queue, token: token === undefined ? undefined : Number(token) };
}

function intentText({ id, queue = "", token }: CancelTarget): string {
  return `${queue}\n${id}${token === undefined ? "" : `\n${token}`}`;
}

/** Whether a cancelation means this run. */
export function isCanceledBy(
  run: { readonly id: string; readonly queue: string; readonly token: number; readonly startedAtMs: number },
  { id, queue, token, canceledAtMs = Number.POSITIVE_INFINITY }: CancelTarget & { readonly canceledAtMs?: number },
): boolean {
  return (
    run.id === id &&
    (queue === undefined || queue === run.queue) &&
    (token === undefined || token === run.token) &&
    Math.floor(run.startedAtMs) <= canceledAtMs
  );
}
