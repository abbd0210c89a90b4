/** States of the dashboard as they are after real keys and made-up answers, for tests without a terminal. */
import type { QueueInfo, StoredTask } from "@asynqjs/core/inspector";
import { type DashEvent, reduce } from "../src/dash/reduce.ts";
import { type DashState, initialState } from "../src/dash/state.ts";
import type { Effect } from "../src/dash/step.ts";

export const nowMs = Date.UTC(2040, 0, 2, 3, 4, 5);

export function queueInfo(queue: string, more: Partial<QueueInfo> = {}): QueueInfo {
  return {
    ...{
      queue,
      size: 0,
      pending: 0,
      active: 0,
      scheduled: 0,
      retry: 0,
      archived: 0,
      completed: 0,
      aggregating: 0,
      groups: 0,
      quarantined: 0,
    },
    ...{ leases: 0, processed: 0, failed: 0, processedTotal: 0, failedTotal: 0, paused: false, latencyMs: 0, memoryUsageBytes: 1234 },
    timestamp: new Date(nowMs),
    ...more,
  };
}

export function storedTask(id: string, more: Partial<StoredTask> = {}): StoredTask {
  return {
    ...{
      id,
      queue: "mail",
      type: "email:send",
      payload: undefined,
      headers: {},
      state: "pending",
      maxRetry: 25,
      retried: 0,
      timeoutSec: 1800,
    },
    ...{ deadline: undefined, group: undefined, retentionSec: 0, nextProcessAt: undefined, lastErr: undefined, lastFailedAt: undefined },
    ...{ completedAt: undefined, result: undefined, isOrphaned: false },
    ...more,
  };
}

/** A dashboard that is fed by hand. */
export interface Driven {
  state: DashState;
  /** What the last event asked for. */
  effects: readonly Effect[];
  send(event: DashEvent): void;
  press(...keys: readonly string[]): void;
  /** Answers the look that is wanted. */
  queues(...infos: readonly QueueInfo[]): void;
  queue(info: QueueInfo | undefined, more?: { tasks?: readonly StoredTask[]; groups?: readonly { group: string; size: number }[] }): void;
}

export function drive(columns = 80, rows = 24): Driven {
  const driven: Driven = {
    state: initialState({ columns, rows, nowMs }),
    effects: [],
    send(event) {
      const step = reduce(driven.state, event);
      driven.state = step.state;
      driven.effects = step.effects;
    },
    press(...keys) {
      for (const key of keys) driven.send({ type: "key", key });
    },
    queues(...infos) {
      const names = infos.map(({ queue }) => queue);
      const loaded = { of: "queues", names, infos, broken: [] } as const;
      driven.send({ type: "loaded", look: driven.state.look, atMs: nowMs, isRefresh: true, loaded });
    },
    queue(info, { tasks, groups } = {}) {
      const { queue } = driven.state.view!;
      const loaded = { of: "queue", queue, info, tasks, groups, hasMoreGroups: false, found: undefined, opened: undefined } as const;
      driven.send({ type: "loaded", look: driven.state.look, atMs: nowMs, isRefresh: true, loaded });
    },
  };
  return driven;
}
