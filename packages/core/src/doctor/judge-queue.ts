import { bounds } from "./bounds.ts";
import { ofQueue, type Tell } from "./diagnosis.ts";
import type { QueueFacts, ServerFacts, TaskFacts } from "./facts.ts";
import { sayCount, sayTime } from "./say-time.ts";

/** What counts for a queue beside itself. */
export interface QueueSurroundings {
  readonly nowSec: number;
  /** The servers that beat; `undefined` where nobody knows. */
  readonly servers: readonly ServerFacts[] | undefined;
  /** When a cron function's rare ticks last ended, the latest of them; 0 is never. */
  readonly tickedSec: number;
  /** Queues in which tasks are pending. */
  readonly pending: ReadonlySet<string>;
}

/** Up to so many due tasks are counted. */
const countedTo = 1_000;

/** Why nothing of a queue runs, and what of it lies longer than it should. */
export function judgeQueue(queue: QueueFacts, around: QueueSurroundings, tell: Tell): void {
  judgeRunning(queue, around, tell);
  judgeTicks(queue, around, tell);
  judgeTrouble(queue, tell);
}

function judgeRunning(queue: QueueFacts, around: QueueSurroundings, tell: Tell): void {
  const { nowSec, servers } = around;
  const subject = ofQueue(queue.queue);
  const waitedSec = queue.pendingSinceSec === undefined ? Number.POSITIVE_INFINITY : nowSec - queue.pendingSinceSec;
  const waits = queue.pending > 0;
  const waiting = `${sayCount(queue.pending, "task")} pending${
    Number.isFinite(waitedSec) ? `, the oldest for ${sayTime(Math.max(0, waitedSec))}` : ""
  }`;
  if (queue.paused) {
    tell({
      code: "queue-paused",
      severity: waits ? "warning" : "notice",
      subject,
      what: waits ? "nothing runs: the queue is paused" : "the queue is paused",
      evidence: waiting,
      remedy: `unpause it when that is over: asynqjs queue unpause ${queue.queue}`,
    });
    return;
  }
  if (!waits || servers === undefined) return;

  const serving = servers.filter(({ queues }) => Object.hasOwn(queues, queue.queue));
  const active = serving.filter(({ status }) => status === "active");
  if (serving.length === 0) {
    if (waitedSec >= bounds.unservedSec)
      tell({
        code: "no-server",
        severity: "error",
        subject,
        what: servers.length === 0 ? "nothing runs: no server beats" : "nothing runs: no server serves the queue",
        evidence: `${waiting}; ${servers.length === 0 ? "asynq:servers is empty" : `${sayCount(servers.length, "server")} beat, for ${namesOf(servers)}`}`,
        remedy:
          servers.length === 0 ? "start a server" : `name it among the queues of a server: queues: { ${JSON.stringify(queue.queue)}: 1 }`,
      });
    return;
  }
  if (active.length === 0) {
    tell({
      code: "servers-stopped",
      severity: "error",
      subject,
      what: "nothing runs: the servers of the queue were told to take no more tasks",
      evidence: `${waiting}; ${sayCount(serving.length, "server")} of it, all ${[...new Set(serving.map(({ status }) => status))].join(" or ")}`,
      remedy: "start servers again: one that was stopped (TSTP) takes no task until it is",
    });
    return;
  }
  if (waitedSec < bounds.waitingSec) return;
  const slots = sum(active.map(({ concurrency }) => concurrency));
  const running = sum(active.map((server) => server.running));
  const load = `${running} of ${slots} slots of ${sayCount(active.length, "server")} run tasks`;
  const strict = active.filter(({ strictPriority }) => strictPriority);
  const ahead = strict.length === active.length ? aheadOf(queue.queue, active, around.pending) : [];
  if (ahead.length > 0 && queue.moves !== true) {
    tell({
      code: "queue-starved",
      severity: "warning",
      subject,
      what: "nothing of it runs while a queue of a higher priority has tasks: its servers are strict",
      evidence: `${waiting}; ${ahead
        .slice(0, 3)
        .map((name) => JSON.stringify(name))
        .join(", ")} has tasks pending; ${load}`,
      remedy: "serve it by a server of its own, raise concurrency, or give up strictPriority",
    });
    return;
  }
  if (running >= slots) {
    tell({
      code: "concurrency-full",
      severity: "warning",
      subject,
      what: "tasks wait since every slot is taken",
      evidence: `${waiting}; ${load}`,
      remedy: "raise concurrency or start more servers; look for handlers that hang: asynqjs server ls",
    });
    return;
  }
  if (queue.moves === true) {
    tell({
      code: "backlog",
      severity: "warning",
      subject,
      what: "tasks wait longer than they should: more come, or came, than are done",
      evidence: `${waiting}; tasks are taken; ${load}`,
      remedy: "raise concurrency, start more servers, or give the queue a higher priority",
    });
    return;
  }
  const late = queue.tasks?.filter(({ trouble }) => trouble === "deadline") ?? [];
  if (late.length > 0)
    tell({
      code: "slots-leaked",
      severity: "error",
      subject,
      what: "tasks wait though slots look free: handlers that do not end after their timeout hold them",
      evidence: `${waiting}; ${load}; ${sayCount(late.length, "task")} of type ${typesOf(late)} ended by its timeout`,
      remedy: "have handlers heed task.signal, and restart the servers: server.metrics().leaked counts such slots",
    });
  else
    tell({
      code: "tasks-not-taken",
      severity: "error",
      subject,
      what: "tasks wait though slots look free",
      evidence: `${waiting}; ${load}`,
      remedy: "look into the servers' logs: they may not reach Redis for tasks, or hang; restart them",
    });
}

/** What lies due, and whose work it is. */
function judgeTicks(queue: QueueFacts, { nowSec, servers, tickedSec }: QueueSurroundings, tell: Tell): void {
  const subject = ofQueue(queue.queue);
  const served = servers?.some(({ queues }) => Object.hasOwn(queues, queue.queue)) ?? true;
  const ticks = nowSec - tickedSec <= bounds.tickSec;
  const who = `${served ? "a server of the queue beats" : "no server of the queue beats"}, ${
    ticks ? "a cron function left its trace lately" : "no cron function left a trace lately"
  }`;
  const late = (code: "forward-late" | "recover-late" | "janitor-late", sinceSec: number, what: string, evidence: string): void =>
    tell({
      code,
      severity: code === "janitor-late" ? "warning" : "error",
      subject,
      what,
      evidence: `${evidence}, for ${sayTime(nowSec - sinceSec)}; ${who}`,
      remedy: served
        ? "look into the log of its servers, or of the cron function: they were to do it"
        : "start a server of the queue, or deploy cron functions (@asynqjs/cron-fn), which do it each minute: asynqjs tick does it once",
    });
  const isLate = (sinceSec: number, afterSec: number): boolean => sinceSec > 0 && nowSec - sinceSec >= afterSec;

  const dueSec = Math.min(queue.firstScheduledSec || Number.POSITIVE_INFINITY, queue.firstRetrySec || Number.POSITIVE_INFINITY);
  const before = { forward: isLate(dueSec === Number.POSITIVE_INFINITY ? 0 : dueSec, bounds.forwardSec), recover: false };
  if (before.forward)
    late(
      "forward-late",
      dueSec,
      "what is due is not made pending: nobody forwards",
      `${sayCount(queue.due, "task", countedTo)} of scheduled and retry due`,
    );
  const leaseSec = Math.floor(queue.firstLeaseSec);
  const setSec = queue.firstSetSec;
  if (queue.lost > 0 && isLate(leaseSec, bounds.recoverSec)) {
    before.recover = true;
    late(
      "recover-late",
      leaseSec,
      "tasks of lost workers are not taken back: nobody recovers",
      `${sayCount(queue.lost, "lease", countedTo)} over`,
    );
  } else if (isLate(setSec, bounds.recoverSec)) {
    before.recover = true;
    late("recover-late", setSec, "tasks of lost aggregators are not given back: nobody recovers", "an aggregation set past its deadline");
  }
  const overSec = Math.max(
    isLate(queue.firstCompletedSec, bounds.janitorSec) ? nowSec - queue.firstCompletedSec : 0,
    isLate(queue.firstArchivedSec, bounds.archiveMaxAgeSec + bounds.janitorSec)
      ? nowSec - queue.firstArchivedSec - bounds.archiveMaxAgeSec
      : 0,
  );
  if (overSec > 0)
    late("janitor-late", nowSec - overSec, "what is over is not deleted: no janitor", "completed or archived tasks past their time");
  if (queue.groups > 0 && isLate(queue.groupedSinceSec, bounds.groupedSec))
    tell({
      code: "aggregate-late",
      severity: "warning",
      subject,
      what: "tasks wait in their groups: nobody aggregates",
      evidence: `${sayCount(queue.groups, "group")}, the oldest task that was seen waits for ${sayTime(nowSec - queue.groupedSinceSec)}; ${who}`,
      remedy: "give a server of the queue a groupAggregator, or a cron function an aggregate tick",
    });
  if (!served && !ticks && !before.forward && !before.recover && queue.scheduled + queue.retry + queue.active > 0)
    tell({
      code: "maintenance-missing",
      severity: "warning",
      subject,
      what: "nobody will make pending what comes due, nor take back what a lost worker held",
      evidence: `${queue.scheduled} scheduled, ${queue.retry} in retry, ${queue.active} active; ${who}`,
      remedy: "start a server of the queue, or deploy cron functions (@asynqjs/cron-fn)",
    });
}

/** What went wrong with single tasks. */
function judgeTrouble(queue: QueueFacts, tell: Tell): void {
  const subject = ofQueue(queue.queue);
  const of = (trouble: TaskFacts["trouble"]): TaskFacts[] => queue.tasks?.filter((task) => task.trouble === trouble) ?? [];
  const unhandled = of("no handler");
  if (unhandled.length > 0)
    tell({
      code: "no-handler",
      severity: "error",
      subject,
      what: `no handler is registered for tasks of type ${typesOf(unhandled)}`,
      evidence: `${sayCount(unhandled.length, "task")} seen in ${statesOf(unhandled)} with the error “handler not found”`,
      remedy: "register a handler on every server of the queue, or serve such tasks from a queue of their own; then run what was archived",
    });
  const suspects = of("crashed");
  if (suspects.length > 0)
    tell({
      code: "suspects-waiting",
      severity: "warning",
      subject,
      what: `tasks of type ${typesOf(suspects)} were held by workers that died: they run one at a time, and are archived at the third crash`,
      evidence: `${sayCount(suspects.length, "task")} seen in ${statesOf(suspects)} with a crash count`,
      remedy: "look for why workers die with them: out of memory, process.exit, a blocked event loop",
    });
  if (queue.quarantined > 0)
    tell({
      code: "quarantined",
      severity: "warning",
      subject,
      what: "tasks were set aside since their message cannot be read",
      evidence: `${sayCount(queue.quarantined, "task")} in quarantine`,
      remedy: "see why with listQuarantined, mend what wrote them, and release or delete them",
    });
  if (queue.archived >= bounds.archiveMaxSize)
    tell({
      code: "archive-full",
      severity: "warning",
      subject,
      what: "the archive is full: each task that comes deletes the oldest",
      evidence: sayCount(queue.archived, "archived task"),
      remedy: "run or delete what is archived, or set archiveMaxSize",
    });
  if (queue.leasesOfGo > 0 && queue.leasesOfOurs > 0)
    tell({
      code: "go-workers",
      severity: "notice",
      subject,
      what: "Go workers and ours work the same queue",
      evidence: `of ${queue.leasesOfGo + queue.leasesOfOurs} leases that were seen ${queue.leasesOfGo} are Go's; Redis does not tell their version`,
      remedy: "have them at Asynq v0.26.0 or newer, which keeps headers: docs/guarantees.md, “Beside Go workers”",
    });
}

/** Queues of a higher priority that have tasks, on every one of these servers. */
function aheadOf(queue: string, servers: readonly ServerFacts[], pending: ReadonlySet<string>): string[] {
  const [first, ...rest] = servers.map(({ queues }) =>
    Object.keys(queues).filter((name) => queues[name]! > queues[queue]! && pending.has(name)),
  );
  if (first === undefined || first.length === 0 || rest.some((names) => names.length === 0)) return [];
  return first;
}

function namesOf(servers: readonly ServerFacts[]): string {
  const names = [...new Set(servers.flatMap(({ queues }) => Object.keys(queues)))].sort();
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return names.length > shown.length ? `${shown.join(", ")} and ${names.length - shown.length} more` : shown.join(", ");
}

function typesOf(tasks: readonly TaskFacts[]): string {
  const types = [...new Set(tasks.map(({ type }) => JSON.stringify(type.slice(0, 100).toWellFormed())))];
  return types.length > 3 ? `${types.slice(0, 3).join(", ")} and ${types.length - 3} more` : types.join(", ");
}

function statesOf(tasks: readonly TaskFacts[]): string {
  return [...new Set(tasks.map(({ state }) => state))].join(" and ");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
