import { cancelChannel, narrowCancelChannel } from "@asynqjs/core";
import { Redis } from "ioredis";
import { expect, test } from "../../test/task-test.ts";

test("task cancel tells whoever runs the tasks, by Asynq's channel, and names the queue where one is said", async ({ task, redisUrl }) => {
  const heard: (readonly [channel: string, message: string])[] = [];
  const listener = new Redis(redisUrl);
  listener.on("message", (channel: string, message: string) => heard.push([channel, message]));
  await listener.subscribe(cancelChannel, narrowCancelChannel);

  expect(await task("cancel", "a", "b")).toEqual({
    code: 0,
    out: "Sent cancelation signal for task a\nSent cancelation signal for task b\n",
    err: "",
  });
  expect(JSON.parse((await task("cancel", "c", "--queue=low", "--json")).out)).toEqual({ sent: ["c"] });

  await expect.poll(() => heard.length).toBe(3);
  expect(heard).toEqual([
    ["asynq:cancel", "a"],
    ["asynq:cancel", "b"],
    [narrowCancelChannel, "low\nc"],
  ]);
  await listener.quit();
});

test("task cancel wants an id", async ({ task }) => {
  expect(await task("cancel")).toMatchObject({ code: 2, out: "", err: expect.stringContaining("missing required argument 'task_id'") });
});
