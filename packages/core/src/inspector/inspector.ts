import { type CancelTarget, cancelProcessing } from "../broker/cancel-processing.ts";
import { deleteQuarantined, releaseQuarantined } from "../broker/leave-quarantine.ts";
import { listQuarantined, type QuarantinedTask } from "../broker/list-quarantined.ts";
import { listQueues } from "../broker/list-queues.ts";
import { pauseQueue, unpauseQueue } from "../broker/pause-queue.ts";
import type { LogLine } from "../broker/write-log.ts";
import { type Broker, makeBroker } from "../broker.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../clock.ts";
import { demand } from "../demand.ts";
import { TaskNotFoundError } from "../errors.ts";
import { checkLimits, type LimitOptions } from "../limits.ts";
import type { Metric } from "../metrics/exposition.ts";
import { queueMetrics } from "../metrics/queue-metrics.ts";
import type { RedisPort, SendOptions } from "../redis.ts";
import type { Payload } from "../task.ts";
import type { AllOptions, AllReport } from "./act-on-all.ts";
import { actOnFound, type FoundAction, type FoundOptions, type FoundReport } from "./act-on-found.ts";
import { archiveAllTasks, archiveTasks } from "./archive-tasks.ts";
import { type ClusterNode, clusterKeySlot, clusterNodes } from "./cluster-nodes.ts";
import { deleteAllTasks, deleteTasks } from "./delete-tasks.ts";
import { getTasks } from "./get-tasks.ts";
import { type GroupInfo, listGroupSizes } from "./list-group-sizes.ts";
import { describeEnqueueEvents, describeSchedulerEntries, type ListedEntry, type ListedEvent } from "./list-schedulers.ts";
import { type ListedServer, listServers } from "./list-servers.ts";
import { checkPage, listTasks, type PageOptions, type TaskPage, type TaskPlace } from "./list-tasks.ts";
import { demandQueue } from "./queue-exists.ts";
import { type DailyStats, readHistory } from "./read-history.ts";
import { readLog } from "./read-log.ts";
import { type QueueInfo, readQueueInfos } from "./read-queue-infos.ts";
import { redriveTasks } from "./redrive-tasks.ts";
import { type RemoveQueueOptions, type RemoveQueueReport, removeQueue } from "./remove-queue.ts";
import { rescheduleTasks } from "./reschedule-tasks.ts";
import { runAllTasks, runTasks } from "./run-tasks.ts";
import { type FoundTasks, type SearchOptions, searchTasks } from "./search-tasks.ts";
import type { StoredTask } from "./stored-task.ts";
import type { TaskFilter } from "./task-filter.ts";
import { demandDone, type TaskVerdict } from "./task-verbs.ts";
import { updateTaskPayloads } from "./update-task-payloads.ts";

/** How an {@link Inspector} reaches Redis. */
export interface InspectorOptions {
  /** Any port: `ioredisPort`, `fetchRedis`, `upstashRedis`, or `redisPort` of `@asynqjs/worker-node/redis`. */
  readonly redis: RedisPort;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** Default: the machine's. */
  readonly random?: Random | undefined;
  /** What the archive keeps, where this archives something. Default: Asynq's limits; the lowest of all that work on a queue wins. */
  readonly limits?: LimitOptions | undefined;
}

/** Where a list begins, and how long the caller waits. */
export type ListOptions = PageOptions & SendOptions;

/**
 * Shows what stands in Redis and moves it by hand, for one queue or one task at a time; `broker` is for the functions beside it that take many.
 * Making it does no I/O. Runs wherever `fetch` does.
 * @throws {InvalidOptionError}
 * @see Asynq inspector.go, `Inspector`
 */
export class Inspector {
  readonly broker: Broker;

  constructor({ redis, clock = systemClock, random = systemRandom, limits }: InspectorOptions) {
    demand("send" in Object(redis), "redis", "expected a port");
    this.broker = makeBroker({ redis, clock, random, limits: limits && checkLimits(limits) });
  }

  /** The names of all queues, sorted. @throws {RedisError} */
  queues(options?: SendOptions): Promise<string[]> {
    return listQueues(this.broker, options);
  }

  /**
   * All groups of a queue with their sizes, sorted; of a queue with very many of them, `listGroupSizes` lists some at a time.
   * @throws {RedisError}
   */
  async groups(queue: string, options?: SendOptions): Promise<GroupInfo[]> {
    const found = new Map<string, GroupInfo>();
    let cursor: string | undefined = "0";
    while (cursor !== undefined) {
      const page = await listGroupSizes(this.broker, queue, cursor, options);
      for (const info of page.groups) found.set(info.group, info);
      cursor = page.cursor;
    }
    return [...found.values()].sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  /** How a queue stands. @throws {QueueNotFoundError} @throws {RedisError} */
  async getQueueInfo(queue: string, options?: SendOptions): Promise<QueueInfo> {
    const [[info]] = await Promise.all([readQueueInfos(this.broker, [queue], options), demandQueue(this.broker, queue, options)]);
    if (info!.error !== undefined) throw info!.error;
    return info!.value;
  }

  /**
   * How all queues stand, as Asynq's exporter tells it: text for Prometheus by `renderMetrics`, with others of yours. Reads only; 10,000 queues
   * are 20 requests.
   * @throws {RedisError}
   * @see Asynq x/metrics/metrics.go, `QueueMetricsCollector`
   */
  async metrics(options?: SendOptions): Promise<Metric[]> {
    const infos = await readQueueInfos(this.broker, await this.queues(options), options);
    return queueMetrics(
      infos.map(({ value, error }) => {
        if (error !== undefined) throw error;
        return { stats: value, memoryBytes: value.memoryUsageBytes };
      }),
    );
  }

  /** What a queue did today and on the days before, newest first. @throws {QueueNotFoundError} @throws {InvalidOptionError} @throws {RedisError} */
  async history(queue: string, days: number, options?: SendOptions): Promise<DailyStats[]> {
    const [history] = await Promise.all([readHistory(this.broker, queue, days, options), demandQueue(this.broker, queue, options)]);
    return history;
  }

  /**
   * Removes a queue, with `force` all its tasks too, so that no key of it is left (see `removeQueue`).
   * @throws {QueueNotFoundError}
   * @throws {QueueNotEmptyError} it holds tasks, or cron entries enqueue into it, and `force` was not said; or a worker runs some of them
   * @throws {RedisError}
   */
  deleteQueue(queue: string, options?: RemoveQueueOptions): Promise<RemoveQueueReport> {
    return removeQueue(this.broker, queue, options);
  }

  /**
   * A task, in whatever state.
   * @throws {QueueNotFoundError}
   * @throws {TaskNotFoundError}
   * @throws {DecodeError} its message cannot be read
   * @throws {RedisError}
   */
  async getTaskInfo(queue: string, id: string, options?: SendOptions): Promise<StoredTask> {
    const [got] = await getTasks(this.broker, queue, [id], options);
    if (got === undefined) {
      await demandQueue(this.broker, queue, options);
      throw new TaskNotFoundError(queue, id);
    }
    if (got.error !== undefined) throw got.error;
    return got.task;
  }

  /** Tasks that wait for a worker, the next to run first. @throws {QueueNotFoundError} @throws {InvalidOptionError} @throws {RedisError} */
  listPendingTasks(queue: string, options?: ListOptions): Promise<TaskPage> {
    return this.#list(queue, { state: "pending" }, options);
  }

  /** Tasks that are being run, the longest first. @throws {QueueNotFoundError} @throws {InvalidOptionError} @throws {RedisError} */
  listActiveTasks(queue: string, options?: ListOptions): Promise<TaskPage> {
    return this.#list(queue, { state: "active" }, options);
  }

  /** Tasks that are due later, the next first. @throws {QueueNotFoundError} @throws {InvalidOptionError} @throws {RedisError} */
  listScheduledTasks(queue: string, options?: ListOptions): Promise<TaskPage> {
    return this.#list(queue, { state: "scheduled" }, options);
  }

  /** Failed tasks that are to be tried again, the next first. @throws {QueueNotFoundError} @throws {InvalidOptionError} @throws {RedisError} */
  listRetryTasks(queue: string, options?: ListOptions): Promise<TaskPage> {
    return this.#list(queue, { state: "retry" }, options);
  }

  /** Tasks that failed for good, the longest there first. @throws {QueueNotFoundError} @throws {InvalidOptionError} @throws {RedisError} */
  listArchivedTasks(queue: string, options?: ListOptions): Promise<TaskPage> {
    return this.#list(queue, { state: "archived" }, options);
  }

  /** Completed tasks that are kept, the next to be deleted first. @throws {QueueNotFoundError} @throws {InvalidOptionError} @throws {RedisError} */
  listCompletedTasks(queue: string, options?: ListOptions): Promise<TaskPage> {
    return this.#list(queue, { state: "completed" }, options);
  }

  /** Tasks that wait in a group, the longest there first. @throws {QueueNotFoundError} @throws {InvalidOptionError} @throws {RedisError} */
  listAggregatingTasks(queue: string, group: string, options?: ListOptions): Promise<TaskPage> {
    return this.#list(queue, { state: "aggregating", group }, options);
  }

  async #list(queue: string, place: TaskPlace, options?: ListOptions): Promise<TaskPage> {
    const page = await listTasks(this.broker, queue, place, options);
    if (page.tasks.length + page.unreadable.length === 0) await demandQueue(this.broker, queue, options);
    return page;
  }

  /**
   * Makes a task pending at once; one that is quarantined is released.
   * @throws {QueueNotFoundError}
   * @throws {TaskNotFoundError}
   * @throws {TaskStateError} it is pending, active or being aggregated
   * @throws {RedisError}
   */
  async runTask(queue: string, id: string, options?: SendOptions): Promise<void> {
    const [verdict] = await runTasks(this.broker, queue, [id], options);
    if (verdict === "js:quarantine") return this.#leaveQuarantine(releaseQuarantined, "run", queue, id, options);
    await this.#demandDone(verdict!, "run", queue, id, options);
  }

  /**
   * Archives a task that waits or is completed.
   * @throws {QueueNotFoundError}
   * @throws {TaskNotFoundError}
   * @throws {TaskStateError} it is archived, active, being aggregated or quarantined
   * @throws {RedisError}
   */
  async archiveTask(queue: string, id: string, options?: SendOptions): Promise<void> {
    const { verdicts } = await archiveTasks(this.broker, queue, [id], options);
    await this.#demandDone(verdicts[0]!, "archive", queue, id, options);
  }

  /**
   * Deletes a task, and gives back the unique lock it holds; one that is quarantined too.
   * @throws {QueueNotFoundError}
   * @throws {TaskNotFoundError}
   * @throws {TaskStateError} it is active or being aggregated
   * @throws {RedisError}
   */
  async deleteTask(queue: string, id: string, options?: SendOptions): Promise<void> {
    const [verdict] = await deleteTasks(this.broker, queue, [id], options);
    if (verdict === "js:quarantine") return this.#leaveQuarantine(deleteQuarantined, "delete", queue, id, options);
    await this.#demandDone(verdict!, "delete", queue, id, options);
  }

  /**
   * Gives a task that waits, or is archived, another payload; the unique lock it holds goes with it.
   * @throws {QueueNotFoundError}
   * @throws {TaskNotFoundError}
   * @throws {TaskStateError} it is active, completed, being aggregated or quarantined, or another task holds the lock of the new payload
   * @throws {InvalidOptionError} a payload that JSON cannot hold
   * @throws {RedisError}
   */
  async updateTaskPayload(queue: string, id: string, payload: Payload, options?: SendOptions): Promise<void> {
    const [verdict] = await updateTaskPayloads(this.broker, queue, [{ id, payload }], options);
    await this.#demandDone(verdict!, "update", queue, id, options);
  }

  /**
   * Lets a task that waits wait for another time.
   * @throws {QueueNotFoundError}
   * @throws {TaskNotFoundError}
   * @throws {TaskStateError} it does not wait
   * @throws {InvalidOptionError} no valid time
   * @throws {RedisError}
   */
  async rescheduleTask(queue: string, id: string, processAt: Date, options?: SendOptions): Promise<void> {
    const [verdict] = await rescheduleTasks(this.broker, queue, [id], processAt, options);
    await this.#demandDone(verdict!, "reschedule", queue, id, options);
  }

  /**
   * Lets a failed task, archived or in retry, begin anew with all its retries.
   * @throws {QueueNotFoundError}
   * @throws {TaskNotFoundError}
   * @throws {TaskStateError} it is in another state
   * @throws {RedisError}
   */
  async redriveTask(queue: string, id: string, options?: SendOptions): Promise<void> {
    const [verdict] = await redriveTasks(this.broker, queue, [id], options);
    await this.#demandDone(verdict!, "redrive", queue, id, options);
  }

  /** What a task's runs logged, the oldest line first. @throws {DecodeError} @throws {RedisError} */
  getTaskLogs(queue: string, id: string, options?: SendOptions): Promise<LogLine[]> {
    return readLog(this.broker, queue, id, options);
  }

  /**
   * Looks for tasks by what they are, for no more than it may cost (see `searchTasks`).
   * @throws {QueueNotFoundError}
   * @throws {InvalidOptionError}
   * @throws {RedisError}
   */
  async searchTasks(queue: string, filter: TaskFilter, options?: SearchOptions): Promise<FoundTasks> {
    const found = await searchTasks(this.broker, queue, filter, options);
    if (found.looked === 0) await demandQueue(this.broker, queue);
    return found;
  }

  /**
   * Runs, archives, deletes, redrives, cancels or puts off all tasks that are meant (see `actOnFound`).
   * @throws {QueueNotFoundError}
   * @throws {InvalidOptionError}
   * @throws {RedisError}
   */
  async actOnTasks(queue: string, action: FoundAction, filter: TaskFilter, options?: FoundOptions): Promise<FoundReport> {
    const report = await actOnFound(this.broker, queue, action, filter, options);
    if (report.looked === 0) await demandQueue(this.broker, queue);
    return report;
  }

  /** Tasks that were set aside since they cannot be read, the longest there first. @throws {InvalidOptionError} @throws {RedisError} */
  async listQuarantinedTasks(queue: string, { page, pageSize, ...options }: ListOptions = {}): Promise<QuarantinedTask[]> {
    const { start, pageSize: size } = checkPage({ page, pageSize });
    return listQuarantined(this.broker, queue, { page: start / size + 1, size }, options);
  }

  async #leaveQuarantine(leave: typeof deleteQuarantined, verb: string, queue: string, id: string, options?: SendOptions): Promise<void> {
    const [verdict] = await leave(this.broker, queue, [id], options);
    const left = verdict === "released" || verdict === "deleted";
    demandDone(left ? "done" : verdict === "dangling" ? "not-found" : "changed", verb, queue, id);
  }

  async #demandDone(verdict: TaskVerdict, verb: string, queue: string, id: string, options?: SendOptions): Promise<void> {
    if (verdict === "not-found") await demandQueue(this.broker, queue, options);
    demandDone(verdict, verb, queue, id);
  }

  /** Makes all scheduled tasks pending, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  runAllScheduledTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(runAllTasks, queue, { state: "scheduled" }, options);
  }

  /** Makes all retry tasks pending, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  runAllRetryTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(runAllTasks, queue, { state: "retry" }, options);
  }

  /** Makes all archived tasks pending, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  runAllArchivedTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(runAllTasks, queue, { state: "archived" }, options);
  }

  /** Makes all that wait in a group pending. @throws {QueueNotFoundError} @throws {RedisError} */
  runAllAggregatingTasks(queue: string, group: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(runAllTasks, queue, { state: "aggregating", group }, options);
  }

  /** Archives all pending tasks, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  archiveAllPendingTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(archiveAllTasks, queue, { state: "pending" }, options);
  }

  /** Archives all scheduled tasks, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  archiveAllScheduledTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(archiveAllTasks, queue, { state: "scheduled" }, options);
  }

  /** Archives all retry tasks, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  archiveAllRetryTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(archiveAllTasks, queue, { state: "retry" }, options);
  }

  /** Archives all that wait in a group. @throws {QueueNotFoundError} @throws {RedisError} */
  archiveAllAggregatingTasks(queue: string, group: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(archiveAllTasks, queue, { state: "aggregating", group }, options);
  }

  /** Deletes all pending tasks, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  deleteAllPendingTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(deleteAllTasks, queue, { state: "pending" }, options);
  }

  /** Deletes all scheduled tasks, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  deleteAllScheduledTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(deleteAllTasks, queue, { state: "scheduled" }, options);
  }

  /** Deletes all retry tasks, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  deleteAllRetryTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(deleteAllTasks, queue, { state: "retry" }, options);
  }

  /** Deletes all archived tasks, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  deleteAllArchivedTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(deleteAllTasks, queue, { state: "archived" }, options);
  }

  /** Deletes all completed tasks, a batch at a time. @throws {QueueNotFoundError} @throws {RedisError} */
  deleteAllCompletedTasks(queue: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(deleteAllTasks, queue, { state: "completed" }, options);
  }

  /** Deletes all that wait in a group. @throws {QueueNotFoundError} @throws {RedisError} */
  deleteAllAggregatingTasks(queue: string, group: string, options?: AllOptions): Promise<AllReport> {
    return this.#all(deleteAllTasks, queue, { state: "aggregating", group }, options);
  }

  async #all<Place extends TaskPlace>(
    act: (broker: Broker, queue: string, place: Place, options?: AllOptions) => Promise<AllReport>,
    queue: string,
    place: Place,
    options?: AllOptions,
  ): Promise<AllReport> {
    const report = await act(this.broker, queue, place, options);
    if (report.of === 0) await demandQueue(this.broker, queue);
    return report;
  }

  /**
   * Asks whoever runs a task to end it; best effort, as in Asynq. Given the queue too, a task of the same id in another queue is not meant.
   * @throws {RedisError}
   */
  cancelProcessing(target: string | CancelTarget, options?: SendOptions): Promise<void> {
    return cancelProcessing(this.broker, [typeof target === "string" ? { id: target } : target], options);
  }

  /** Lets no worker take another task from the queue, and changes nothing where that is so already. @throws {RedisError} */
  pauseQueue(queue: string, options?: SendOptions): Promise<void> {
    return pauseQueue(this.broker, queue, options);
  }

  /** Lets workers take tasks again. @throws {RedisError} */
  unpauseQueue(queue: string, options?: SendOptions): Promise<void> {
    return unpauseQueue(this.broker, queue, options);
  }

  /** The servers that live, each with what it runs. @throws {RedisError} */
  servers(options?: SendOptions): Promise<ListedServer[]> {
    return listServers(this.broker, options);
  }

  /** The periodic tasks of the schedulers that live. @throws {RedisError} */
  schedulerEntries(options?: SendOptions): Promise<ListedEntry[]> {
    return describeSchedulerEntries(this.broker, options);
  }

  /** What an entry enqueued, newest first. @throws {InvalidOptionError} @throws {RedisError} */
  listSchedulerEnqueueEvents(entryId: string, options?: ListOptions): Promise<ListedEvent[]> {
    return describeEnqueueEvents(this.broker, entryId, options);
  }

  /** The slot of a Cluster in which a queue lives; asks nobody. */
  clusterKeySlot(queue: string): number {
    return clusterKeySlot(queue);
  }

  /** The nodes of a Cluster that hold a queue, its master first. @throws {RedisError} */
  clusterNodes(queue: string, options?: SendOptions): Promise<ClusterNode[]> {
    return clusterNodes(this.broker, queue, options);
  }

  /** Ends the connection if the port made it; one of yours stays open, where Asynq answers an error. May be repeated. */
  close(): Promise<void> {
    return this.broker.redis.close();
  }
}
