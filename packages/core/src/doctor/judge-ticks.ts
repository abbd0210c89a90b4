import { bounds } from "./bounds.ts";
import { ofQueue, type Tell } from "./diagnosis.ts";
import type { QueueFacts } from "./facts.ts";
import type { QueueSurroundings } from "./queue-surroundings.ts";
import { sayCount, sayTime } from "./say.ts";

/** Up to so many due tasks are counted. */
const countedTo = 1_000;

/** What lies due, and whose work it is. */
export function judgeTicks(queue: QueueFacts, { nowSec, servers, tickedSec }: QueueSurroundings, tell: Tell): void {
  const subject = ofQueue(queue.queue);
  const served = servers?.some(({ queues }) => Object.hasOwn(queues, queue.queue)) ?? true;
  const ticks = nowSec - tickedSec <= bounds.tickSec;
  const trace =
    tickedSec === 0 ? "no cron function left a trace" : `the last trace of a cron function is ${sayTime(nowSec - tickedSec)} old`;
  const who = `${served ? "a server of the queue beats" : "no server of the queue beats"}, ${trace}`;
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
  if (isLate(queue.firstCompletedSec, bounds.janitorSec))
    late("janitor-late", queue.firstCompletedSec, "what is over is not deleted: no janitor", "completed tasks past their time");
  else if (isLate(queue.firstArchivedSec, bounds.archiveMaxAgeSec + bounds.janitorSec))
    tell({
      code: "janitor-late",
      severity: "notice",
      subject,
      what: "archived tasks are older than 90 days and still there",
      evidence: `the oldest was archived ${sayTime(nowSec - queue.firstArchivedSec)} ago; ${who}`,
      remedy: "nothing, if Go's servers alone serve it: they delete them when they archive another; asynqjs tick janitor does it now",
    });
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
