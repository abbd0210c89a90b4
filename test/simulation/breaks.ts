/** Ways to make the product wrong, each in one place: the simulation has to find every one. @module */

export interface Break {
  /** Below `packages/`. */
  readonly file: string;
  /** Stands there once, */
  readonly from: string;
  /** and this in its place is wrong. */
  readonly to: string;
}

const worker = (file: string, from: string, to: string): Break => ({ file: `worker-node/src/${file}`, from, to });
const core = (file: string, from: string, to: string): Break => ({ file: `core/src/${file}`, from, to });

export const breaks: Readonly<Record<string, Break>> = {
  "the settler gives up after one try": worker("settler.ts", "{ timeoutMs: Math.max(shortestTryMs, leftMs) }", "{ timeoutMs: 50 }"),
  "the settler drops what ends while two calls are under way": worker(
    "settler.ts",
    "      line.calls--;\n      flushNextTurn(line);",
    "      line.calls--;",
  ),
  "a fetch is not repeated": worker("processor.ts", "timeoutMs: fetchTimeoutMs,", "timeoutMs: 50,"),
  "the slots of a failed fetch stay taken": worker(
    "processor.ts",
    "this.#taken -= limit - tasks.length;",
    "if (report) this.#taken -= limit - tasks.length;",
  ),
  "the slot of a leaked handler is given away": worker(
    "task-run.ts",
    "if (!this.#handlerRuns) this.#owner.over(this);",
    "this.#owner.over(this);",
  ),
  "more is fetched than there are free slots": worker(
    "processor.ts",
    "Math.min(settings.concurrency - this.#taken, maxDequeuePerCall)",
    "Math.min(settings.concurrency - this.#taken + 1, maxDequeuePerCall)",
  ),
  "a server that stops forgets what its last fetch brought": worker(
    "processor.ts",
    "for (const task of tasks.slice(fit.length)) this.#handBack(task, sentAtMs);",
    "for (const task of tasks.slice(fit.length)) this.#free(task);",
  ),
  "a shutdown does not wait for handlers": worker(
    "processor.ts",
    "if (this.#unanswered > 0)\n      await new Promise",
    "if (false)\n      await new Promise",
  ),
  "a shutdown tells no handler": worker("task-run.ts", 'this.#interrupt(new ServerStateError("asynq: Server closed"));', ""),
  "a shutdown writes nothing for what still runs": worker(
    "task-run.ts",
    'return { outcome: { ...fenced(this.task), to: "requeued" }, counter: "requeued" };',
    "return undefined;",
  ),
  "a shutdown charges a retry": worker("task-run.ts", "if (reason instanceof ServerStateError) {", "if (false) {"),
  "the one suspect is never free again": worker("processor.ts", "if (task.suspect) this.#suspect = false;", ""),
  "the deadline is ignored": worker("task-run.ts", "this.#owner.deadlines.add(this);", ""),
  "no lease is held": worker("heartbeater.ts", "for (const lease of leases) held.add(lease);", ""),
  "a lost lease does not end its run": worker("heartbeater.ts", "if (held.delete(lease)) lease.onLost(error);", "held.delete(lease);"),
  "log lines are not waited for": worker(
    "task-run.ts",
    "else void this.#log.drained().then(() => this.#conclude(end));",
    "else this.#conclude(end);",
  ),
  "a part is stopped and its timer is not": worker("ticker.ts", "      cancel?.();\n      await running;", "      await running;"),
  "the outcome carries another token": worker("task-outcome.ts", "fence: { token }", "fence: { token: token ^ 1 }"),
  "a run without failure charges a retry": worker(
    "task-outcome.ts",
    "isFailure ? { ...changes, retried: message.retried + 1 } : changes",
    "{ ...changes, retried: message.retried + 1 }",
  ),
  "the token is not looked at": core("lua/owns.ts", "return score % 1 == token / 1048576", "return true"),
  "a replay is not known": core("lua/call-record.ts", "if recorded_seq == seq then", "if false then"),
  "a late call is not known": core(
    "lua/call-record.ts",
    "elseif recorded_seq and tonumber(recorded_seq) > tonumber(seq) then",
    "elseif false then",
  ),
  "a script that Redis forgot is not sent again": core("script.ts", 'error?.reply === "NOSCRIPT"', 'error?.reply === "NEVER"'),
  "what an earlier try may have done is forgotten": core(
    "redis/refusal.ts",
    'return result.error && before === "unknown" ? { error: result.error.asUnknown() } : result;',
    "return result;",
  ),
  "no answer counts as not delivered": core("redis/repeating-port.ts", 'if (failure.delivered === "unknown") delivered = "unknown";', ""),
  "a refusal that passes is not repeated": core(
    "redis/repeating-port.ts",
    "left = left.filter((i) => mayPass(results[i]!));",
    "left = [];",
  ),
  "what was answered is forgotten when the rest is given up": core(
    "redis/repeating-port.ts",
    'if (signal?.aborted) throw wayFailed("given up by its caller", delivered, signal.reason);',
    'if (signal?.aborted) { left = [...commands.keys()]; throw wayFailed("given up by its caller", delivered, signal.reason); }',
  ),
  "a closed port lets calls wait": core("redis/repeating-port.ts", 'failAll("the port is closed");', ""),
  "an answer over HTTP that is cut short counts as refused": core(
    "redis/http-exchange.ts",
    'const delivered = again || status < 400 ? "unknown" : "no";',
    'const delivered = "no";',
  ),
  "leases are taken back while they last": core("ticks/recover.ts", "unixSec(nowMs) - recoverAfterSec", "unixSec(nowMs) + 29"),
  "a recovery charges a retry": core(
    "ticks/recover.ts",
    "{ errorMsg: new LeaseExpiredError().message, lastFailedAtSec }),\n      retryAtSec",
    "{ errorMsg: new LeaseExpiredError().message, lastFailedAtSec, retried: message.retried + 1 }),\n      retryAtSec",
  ),
  "sets that nobody aggregates are never given back": core("ticks/recover.ts", "[recoverBatches, reclaimBatches]", "[recoverBatches]"),
  "an aggregator is waited for when its set is lost or its server shuts down": core(
    "ticks/aggregate-set.ts",
    "await held.whileHeld(call(options.aggregator, set, tasks, held.signal))",
    "await call(options.aggregator, set, tasks, held.signal)",
  ),
  "only scheduled tasks are forwarded": core("ticks/forward.ts", '{ queue, from: "retry" },', ""),
};
