import { bounds } from "./bounds.ts";
import { ofQueue, type Tell } from "./diagnosis.ts";
import type { QueueFacts, TaskFacts } from "./facts.ts";
import { sayCount, sayTypes } from "./say.ts";

/** What went wrong with single tasks. */
export function judgeTrouble(queue: QueueFacts, tell: Tell): void {
  const subject = ofQueue(queue.queue);
  const of = (trouble: TaskFacts["trouble"]): TaskFacts[] => queue.tasks?.filter((task) => task.trouble === trouble) ?? [];
  const unhandled = of("no handler");
  if (unhandled.length > 0)
    tell({
      code: "no-handler",
      // What is handed back waits for a server that knows it: in a deploy there may be none for a moment.
      severity: unhandled.every(({ state }) => state === "scheduled") ? "warning" : "error",
      subject,
      what: `no handler is registered for tasks of type ${sayTypes(unhandled)}`,
      evidence: `${sayCount(unhandled.length, "task")} seen in ${statesOf(unhandled)} with the error “handler not found”`,
      remedy: "register a handler on every server of the queue, or serve such tasks from a queue of their own; then run what was archived",
    });
  const suspects = of("crashed");
  if (suspects.length > 0)
    tell({
      code: "suspects-waiting",
      severity: "warning",
      subject,
      what: `tasks of type ${sayTypes(suspects)} were held by workers that died: they run one at a time, and are archived at the third crash`,
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

function statesOf(tasks: readonly TaskFacts[]): string {
  return [...new Set(tasks.map(({ state }) => state))].join(" and ");
}
