import { composeTask, dequeue, enqueue, makeBroker, type RedisPort, settle, systemClock, systemRandom, Task } from "@asynqjs/core";

/** The work of one client and one worker on a port. */
export interface Work {
  /** Enqueues a task with this id; answers its verdict, or throws. */
  enqueue(taskId: string, queue?: string): Promise<string>;
  /** Takes what is there, at most so many, and is done with it; answers the ids. */
  workOff(queue?: string, limit?: number): Promise<string[]>;
}

export function workOn(port: RedisPort): Work {
  const broker = makeBroker({ redis: port, clock: systemClock, random: systemRandom });
  return {
    async enqueue(taskId, queue = "default") {
      const [result] = await enqueue(broker, [composeTask(new Task("t", "payload", { taskId, queue }), {}, broker)]);
      if (result!.error !== undefined) throw result!.error;
      return result!.verdict;
    },
    async workOff(queue = "default", limit = 100) {
      const { tasks } = await dequeue(broker, [queue], limit);
      const { results } = await settle(
        broker,
        tasks.map(({ id, token }) => ({ queue, id, fence: { token }, to: "done" })),
      );
      for (const { verdict, error } of results) if (verdict !== "settled") throw error ?? new Error(`settled as ${verdict}`);
      return tasks.map(({ id }) => id);
    },
  };
}
