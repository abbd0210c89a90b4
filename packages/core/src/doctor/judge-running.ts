import { bounds } from "./bounds.ts";
import { ofQueue, type Tell } from "./diagnosis.ts";
import type { QueueFacts, ServerFacts } from "./facts.ts";
import type { QueueSurroundings } from "./queue-surroundings.ts";
import { sayCount, sayTime, sayTypes } from "./say.ts";

/** Why tasks that are pending do not run. */
export function judgeRunning(queue: QueueFacts, around: QueueSurroundings, tell: Tell): void {
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
  // Who says not since when waits may have come just now, as what Go's CLI runs: it waits for long only if it is not taken.
  if (waitedSec < bounds.waitingSec || (queue.pendingSinceSec === undefined && queue.moves === true)) return;
  const slots = sum(active.map(({ concurrency }) => concurrency));
  const running = sum(active.map((server) => server.running));
  const load = `${running} of ${slots} slots of ${sayCount(active.length, "server")} run tasks`;
  const strict = active.filter(({ strictPriority }) => strictPriority);
  const ahead = strict.length === active.length ? aheadOf(queue.queue, active, around.busy) : [];
  if (ahead.length > 0 && queue.moves !== true) {
    tell({
      code: "queue-starved",
      severity: "warning",
      subject,
      what: "nothing of it runs while a queue of a higher priority has tasks: its servers are strict",
      evidence: `${waiting}; ${ahead
        .slice(0, 3)
        .map((name) => JSON.stringify(name))
        .join(", ")} has tasks; ${load}`,
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
      evidence: `${waiting}; ${load}; ${sayCount(late.length, "task")} of type ${sayTypes(late)} ended by its timeout`,
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

/** Queues of a higher priority that have tasks, on every one of these servers. */
function aheadOf(queue: string, servers: readonly ServerFacts[], busy: ReadonlySet<string>): string[] {
  const [first, ...rest] = servers.map(({ queues }) =>
    Object.keys(queues).filter((name) => queues[name]! > queues[queue]! && busy.has(name)),
  );
  if (first === undefined || first.length === 0 || rest.some((names) => names.length === 0)) return [];
  return first;
}

function namesOf(servers: readonly ServerFacts[]): string {
  const names = [...new Set(servers.flatMap(({ queues }) => Object.keys(queues)))].sort();
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return names.length > shown.length ? `${shown.join(", ")} and ${names.length - shown.length} more` : shown.join(", ");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
