import { type Delivered, RedisError } from "../errors.ts";
import type { CommandResult } from "../redis.ts";

/**
 * Error codes of a Redis that will soon be well again (one that cannot save, `MISCONF`, is when its next snapshot succeeds), or of one that is
 * no master any more: the same call may be sent once more.
 */
const passing = /^(READONLY|LOADING|MASTERDOWN|BUSY|TRYAGAIN|CLUSTERDOWN|NOREPLICAS|MISCONF)$/;

/** The others with which Redis refuses a command before it does anything. */
const refusals = /^(NOSCRIPT|WRONGTYPE|OOM|NOAUTH|NOPERM|WRONGPASS|MOVED|ASK|CROSSSLOT|STALECALL)$/;

/**
 * The error that an error reply of Redis is. Keeps its code word and its text, which a script of ours never builds from user text, but for
 * the place where Redis quotes the arguments of a command it does not know.
 */
export function refusal(answer: string): RedisError {
  const text = answer.replace(/, with args beginning with:.*/s, "");
  const reply = /^[A-Z]+(?= |$)/.exec(text)?.[0] ?? "ERR";
  const delivered = passing.test(reply) || refusals.test(reply) ? "no" : "unknown";
  return new RedisError(`redis refused: ${text}`, { delivered, reply });
}

/** Whether sending the very same call again may help. */
export function isPassing(error: RedisError | undefined): boolean {
  return passing.test(error?.reply ?? "");
}

/** What a command's last try was answered, given what is known of the tries before: Redis refuses the last one only. */
export function afterTries(result: CommandResult, before: Delivered): CommandResult {
  return result.error && before === "unknown" ? { error: result.error.asUnknown() } : result;
}
