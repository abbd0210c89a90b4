import type { Client, EnqueueOutcome } from "@asynqjs/client-edge";
import { RedisError, Task } from "@asynqjs/core";
import { fates } from "./fates.ts";
import type { History } from "./history.ts";

/**
 * Enqueues a task of every fate in one call, two that must be refused among them, and one more alone; notes what became of each.
 * @throws {Error} an answer that can never be right
 */
export async function enqueueOneOfEach(client: Client, history: History, queue: string, onAcknowledged: () => void): Promise<void> {
  const aTask = (type: string): Task => {
    const id = history.begin(type, queue);
    return new Task(type, id, { ...fates[type]!.options, taskId: id, queue });
  };
  const tasks = Object.keys(fates).map(aTask);
  const [first, unique] = [tasks[0]!, tasks.find(({ type }) => type === "is due later and unique")!];
  const sameId = new Task(first.type, first.payload, first.options);
  const sameLock = new Task(unique.type, unique.payload, { ...unique.options, taskId: `${unique.options.taskId} twice` });

  const note = ({ options }: Task, { error }: EnqueueOutcome): void => {
    if (error !== undefined && !(error instanceof RedisError)) throw error;
    history.answered(options.taskId!, error === undefined ? "acknowledged" : error.delivered === "no" ? "refused" : "unknown");
    if (error === undefined) onAcknowledged();
  };
  const outcomes = await client.enqueueMany([...tasks, sameId, sameLock]);
  for (const [i, task] of tasks.entries()) note(task, outcomes[i]!);
  for (const [i, code] of [[tasks.length, "TASK_ID_CONFLICT"] as const, [tasks.length + 1, "DUPLICATE_TASK"] as const])
    if (outcomes[i]!.error?.code !== code && outcomes[i]!.error?.code !== "REDIS")
      throw new Error(`expected ${code}`, { cause: outcomes[i]! });

  const alone = aTask("done");
  const [outcome] = await client.enqueue(alone).then(
    (info): [EnqueueOutcome] => [{ info }],
    (error): [EnqueueOutcome] => [{ error }],
  );
  note(alone, outcome);
}
