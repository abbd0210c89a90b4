import { type Broker, deleteQuarantined, releaseQuarantined } from "@asynqjs/core";
import {
  addCronEntry,
  editCronEntry,
  listCronEntries,
  pauseCronEntry,
  reconcileCronEntries,
  removeCronEntry,
  resumeCronEntry,
  runCronEntry,
} from "@asynqjs/core/cron";
import { type FoundAction, Inspector, listGroupSizes, readQueueInfos, readRedisInfo } from "@asynqjs/core/inspector";
import { slotsBetween } from "@asynqjs/cron-fn";

/** Everything that an inspector does but what asks a Cluster alone, and what asks nobody. */
export const inspectorMethods: readonly string[] = Object.getOwnPropertyNames(Inspector.prototype).filter(
  (name) => !["constructor", "close", "clusterKeySlot", "clusterNodes"].includes(name),
);

/** Those of them that change nothing. */
export const lookingMethods: readonly string[] = inspectorMethods.filter((name) =>
  /^(get|list|search)|^(queues|groups|history|metrics|servers|schedulerEntries)$/.test(name),
);

/** An inspector that notes which of its methods are called. */
function noted(broker: Broker, called: Set<string>): Inspector {
  return new Proxy(new Inspector(broker), {
    get(inspector, name) {
      called.add(String(name));
      const value = Reflect.get(inspector, name, inspector);
      return typeof value === "function" ? value.bind(inspector) : value;
    },
  });
}

/** Looks at a queue in every way there is; answers which methods that took. */
export async function lookAtAll(broker: Broker, queue: string, id: string, group: string): Promise<Set<string>> {
  const called = new Set<string>();
  const inspector = noted(broker, called);
  await inspector.queues();
  await inspector.groups(queue);
  await inspector.getQueueInfo(queue);
  await inspector.history(queue, 2);
  await inspector.metrics();
  await inspector.getTaskInfo(queue, id);
  await inspector.getTaskLogs(queue, id);
  await inspector.listPendingTasks(queue);
  await inspector.listActiveTasks(queue);
  await inspector.listScheduledTasks(queue);
  await inspector.listRetryTasks(queue);
  await inspector.listArchivedTasks(queue);
  await inspector.listCompletedTasks(queue);
  await inspector.listAggregatingTasks(queue, group);
  await inspector.listQuarantinedTasks(queue);
  await inspector.searchTasks(queue, { type: "plain" });
  await inspector.servers();
  await inspector.schedulerEntries();
  await inspector.listSchedulerEnqueueEvents("each-second");
  // What the command line and the dashboard ask beside it.
  await listGroupSizes(broker, queue);
  await readQueueInfos(broker, [queue]);
  await readRedisInfo(broker);
  await listCronEntries(broker);
  return called;
}

/** Steers in every way there is, a queue that holds what `leaveWork` left; answers which methods that took. */
export async function steerAll(broker: Broker, queue: string, id: string, group: string): Promise<Set<string>> {
  const called = new Set<string>();
  const inspector = noted(broker, called);
  await inspector.pauseQueue(queue);
  await inspector.unpauseQueue(queue);
  await inspector.rescheduleTask(queue, id, new Date(Date.now() + 60_000));
  await inspector.updateTaskPayload(queue, id, { n: 2 });
  await inspector.archiveTask(queue, id);
  await inspector.redriveTask(queue, id);
  await inspector.archiveTask(queue, id);
  await inspector.runTask(queue, id);
  await inspector.deleteTask(queue, id);
  await inspector.cancelProcessing("a");
  await inspector.cancelProcessing({ queue, id: "a" });
  // What running and deleting one does that is set aside.
  await releaseQuarantined(broker, queue, ["a"]);
  await deleteQuarantined(broker, queue, ["a"]);
  const actions: FoundAction[] = ["run", "archive", "redrive", "cancel", "delete", { rescheduleTo: new Date(Date.now() + 60_000) }];
  for (const action of actions) await inspector.actOnTasks(queue, action, { type: "plain" });
  await inspector.runAllAggregatingTasks(queue, group);
  await inspector.archiveAllAggregatingTasks(queue, group);
  await inspector.deleteAllAggregatingTasks(queue, group);
  await inspector.archiveAllPendingTasks(queue);
  await inspector.archiveAllScheduledTasks(queue);
  await inspector.archiveAllRetryTasks(queue);
  await inspector.runAllScheduledTasks(queue);
  await inspector.runAllRetryTasks(queue);
  await inspector.runAllArchivedTasks(queue);
  await inspector.deleteAllPendingTasks(queue);
  await inspector.deleteAllScheduledTasks(queue);
  await inspector.deleteAllRetryTasks(queue);
  await inspector.deleteAllArchivedTasks(queue);
  await inspector.deleteAllCompletedTasks(queue);
  await steerCron(broker, queue);
  // The queue that a run of the entry was enqueued into: one with active tasks is not deleted.
  await inspector.deleteQueue("other", { force: true });
  return called;
}

async function steerCron(broker: Broker, queue: string): Promise<void> {
  const given = { id: "nightly", spec: "0 3 * * *", type: "plain", queue };
  const entry = await addCronEntry(broker, given);
  await editCronEntry(broker, entry, { queue: "other" }, { slotsBetween });
  await pauseCronEntry(broker, "nightly", { slotsBetween });
  await resumeCronEntry(broker, "nightly");
  await runCronEntry(broker, "nightly");
  await removeCronEntry(broker, "nightly");
  await reconcileCronEntries(broker, "a-deploy", [{ ...given, id: "of-a-deploy" }], { slotsBetween });
}
