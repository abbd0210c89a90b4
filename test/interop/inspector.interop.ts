import { Task } from "@asynqjs/client-edge";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";
import { seedSevenStates, taskStates } from "./seven-states.ts";

onGo(goVersions, (test) => {
  test("Go's inspector counts and lists our tasks, each in its state and nowhere else", async ({ redis, go }) => {
    await seedSevenStates(redis);

    expect(await go.queues()).toEqual(["default"]);
    const one = { Pending: 1, Active: 1, Scheduled: 1, Retry: 1, Archived: 1, Completed: 1, Aggregating: 1 };
    expect(await go.queueInfo()).toMatchObject({ ...one, Size: 7, Groups: 1, Paused: false, Processed: 3, Failed: 2 });
    expect(await go.groups()).toEqual([{ Group: "g", Size: 1 }]);
    for (const state of taskStates) {
      const listed = await go.list(state, { group: "g" });
      expect(listed.map(({ id }) => id)).toEqual([state]);
      expect(listed[0]).toMatchObject({ state, type: "email:send", isOrphaned: false });
      expect(Buffer.from(listed[0]!.payload!, "base64").toString()).toBe(`to ${state}`);
      expect(await go.task(state)).toMatchObject({ id: state, state });
    }
    expect(await go.task("retry")).toMatchObject({ lastErr: "failed in Node", retried: 1 });
    expect((await go.task("completed")).completedAtSec).toBeGreaterThan(0);
  });

  test("what Go's inspector runs, our server does", async ({ redis, go, startServer }) => {
    await seedSevenStates(redis);
    const waiting = ["scheduled", "retry", "archived", "aggregating"];

    for (const id of waiting) await go.act("run", { id });
    expect((await go.list("pending")).map(({ id }) => id).sort()).toEqual([...waiting, "pending"].sort());

    // Suspects run one at a time, seconds apart.
    for (const id of [...waiting, "pending"]) await redis.hdel(`asynq:{default}:t:${id}`, "js:recovered");
    const ran: string[] = [];
    await startServer(async (task) => void ran.push(task.id));
    await expect.poll(() => [...ran].sort()).toEqual([...waiting, "pending"].sort());
  });

  test("Go's inspector runs, archives and deletes all our tasks of a state", async ({ redis, go }) => {
    await seedSevenStates(redis);
    const act = (operation: "runAll" | "archiveAll" | "deleteAll", ...states: typeof taskStates): Promise<number[]> =>
      Promise.all(states.map((state) => go.actOnAll(operation, { state, group: "g" })));

    expect(await act("runAll", "scheduled", "retry", "archived", "aggregating")).toEqual([1, 1, 1, 1]);
    expect(await go.queueInfo()).toMatchObject({ Pending: 5, Size: 7 });
    expect(await act("archiveAll", "pending")).toEqual([5]);
    expect(await act("deleteAll", "archived", "completed")).toEqual([5, 1]);

    expect(await go.queueInfo()).toMatchObject({ Active: 1, Size: 1 });
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(["asynq:{default}:t:active", "asynq:{default}:t:quarantined"]);
  });

  test("Go's inspector archives and deletes one of our tasks, wherever it waits, but not one that is being run", async ({ redis, go }) => {
    await seedSevenStates(redis);
    for (const id of ["pending", "scheduled", "retry", "aggregating"]) {
      await go.act("archive", { id });
      expect(await go.task(id)).toMatchObject({ state: "archived" });
    }
    await expect(go.act("delete", { id: "active" })).rejects.toThrow("cannot delete task in active state");
    await expect(go.act("archive", { id: "active" })).rejects.toThrow("cannot archive task in active state");

    for (const id of ["pending", "scheduled", "retry", "aggregating", "archived", "completed"]) {
      await go.act("delete", { id });
      await expect(go.task(id)).rejects.toThrow("task not found");
    }
    expect(await go.queueInfo()).toMatchObject({ Size: 1, Active: 1 });
  });

  test("Go's delete of a task in a group gives its lock back, which Go itself forgets to note", async ({ redis, go }) => {
    await ourBroker(redis).enqueue(new Task("part", "a"), { taskId: "a", group: "g", uniqueTtlSec: 3600 });
    const again = { type: "part", payload: Buffer.from("a"), options: { taskId: "b", group: "g", uniqueTtlSec: 3600 } };
    expect(await go.enqueue(again)).toEqual([{ error: "task already exists" }]);

    await go.act("delete", { id: "a" });

    expect((await go.enqueue(again))[0]!.error).toBeUndefined();
  });
});
