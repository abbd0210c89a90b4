import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { expect, goVersions, onGo } from "./interop-test.ts";

const slots = 20;
const schedulers = 5;

onGo(goVersions, (test) => {
  test("F29: of five schedulers and Go's that name a slot's task alike, one enqueues it, also when it was done before the last of them came", async ({
    redis,
    go,
    startServer,
  }) => {
    const ran: string[] = [];
    await startServer(async ({ id }) => void ran.push(id));
    const enqueued: string[] = [];
    const refused: string[] = [];
    const told = (taskId: string, error: { readonly message: string } | undefined): void => {
      (error === undefined ? enqueued : refused).push(taskId);
      if (error !== undefined) expect(error.message).toMatch(/task ID conflicts|is in queue .* already|TASK_ID_CONFLICT/i);
    };
    /** Each is new at each slot, as where it was started again. */
    const ours = async (taskId: string): Promise<void> => {
      const client = new Client({ redis: ioredisPort(redis) });
      const [outcome] = await client.enqueueMany([new Task("report", taskId, { taskId, retentionSec: 3_600 })]);
      told(taskId, outcome!.error);
      await client.close();
    };
    const goes = async (taskId: string): Promise<void> => {
      const [result] = await go.enqueue({ type: "report", options: { taskId, retentionSec: 3_600 } });
      told(taskId, result!.error === undefined ? undefined : { message: String(result!.error) });
    };

    for (let slot = 0; slot < slots; slot++) {
      const taskId = `report@${slot}`;
      const early = [...Array.from({ length: schedulers - 1 }, () => () => ours(taskId)), () => goes(taskId)];
      await Promise.all(early.map((enqueue) => enqueue()));
      await expect.poll(() => redis.zscore("asynq:{default}:completed", taskId)).not.toBeNull();
      await ours(taskId);
    }

    const all = Array.from({ length: slots }, (_, slot) => `report@${slot}`);
    expect(enqueued).toEqual(all);
    expect(refused).toHaveLength(slots * schedulers);
    expect(ran).toEqual(all);
    expect(await redis.get("asynq:{default}:processed")).toBe(String(slots));
  });
});
