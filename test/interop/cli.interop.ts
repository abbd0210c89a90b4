import { spawnSync } from "node:child_process";
import { addCronEntry, schedule } from "@asynqjs/core/cron";
import { slotsBetween } from "@asynqjs/cron-fn";
import { goRedis } from "./go-peer.ts";
import { expect, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";
import { seedSevenStates, taskStates } from "./seven-states.ts";

onGo(["asynq CLI"], (test, file) => {
  /** Runs the CLI and answers what it printed. @throws {Error} it did not end with 0 */
  const run = (redisUrl: string, command: string): string => {
    const { addr, db } = goRedis(redisUrl);
    const done = spawnSync(file, [...command.split(" "), "--uri", addr, "--db", String(db)], {
      encoding: "utf8",
      env: { ...process.env, HOME: "/nonexistent", NO_COLOR: "1" },
    });
    if (done.status !== 0) throw new Error(`${command}: ${done.stdout}${done.stderr}`.trim());
    return done.stdout;
  };
  /** The first column of a table. */
  const ids = (table: string): string[] =>
    table
      .trim()
      .split("\n")
      .slice(2)
      .map((row) => row.split(/\s/)[0]!);

  test("it counts and lists our tasks, each in its state, and the quarantined one nowhere", async ({ redis, redisUrl }) => {
    await seedSevenStates(redis);

    expect(run(redisUrl, "queue ls").trim()).toBe("default");
    expect(run(redisUrl, "group ls --queue default").trim()).toBe("g");
    for (const state of taskStates)
      expect(ids(run(redisUrl, `task ls --queue default --state ${state}${state === "aggregating" ? " --group g" : ""}`))).toEqual([state]);
    expect(run(redisUrl, "queue inspect default")).toMatch(/Size: +7\nGroups: +1\nPaused: +false/);
    const stats = JSON.parse(run(redisUrl, "stats --json")) as { readonly aggregate: object };
    expect(stats.aggregate).toEqual(
      expect.objectContaining({ active: 1, pending: 1, aggregating: 1, scheduled: 1, retry: 1, archived: 1, completed: 1 }),
    );
  });

  test("it tells of one of our tasks, and how it failed", async ({ redis, redisUrl }) => {
    await seedSevenStates(redis);

    expect(run(redisUrl, "task inspect --queue default --id retry")).toMatch(
      /ID: +retry\s+Type: +email:send\s+State: +retry\s+Retried: +1\/25/,
    );
    expect(run(redisUrl, "task inspect --queue default --id archived")).toContain("failed in Node");
    expect(() => run(redisUrl, "task inspect --queue default --id quarantined")).toThrow("is not supported task state");
  });

  test("it runs, archives and deletes our tasks, a quarantined one too, and pauses their queue", async ({ redis, redisUrl }) => {
    await seedSevenStates(redis);

    for (const id of ["scheduled", "retry", "archived", "aggregating"]) run(redisUrl, `task run --queue default --id ${id}`);
    for (const id of ["retry", "archived"]) run(redisUrl, `task archive --queue default --id ${id}`);
    for (const id of ["archived", "completed", "quarantined"]) run(redisUrl, `task delete --queue default --id ${id}`);
    run(redisUrl, "queue pause default");

    expect(ids(run(redisUrl, "task ls --queue default --state pending")).sort()).toEqual(["aggregating", "pending", "scheduled"]);
    expect(ids(run(redisUrl, "task ls --queue default --state archived"))).toEqual(["retry"]);
    expect(run(redisUrl, "queue inspect default")).toMatch(/Size: +5\nGroups: +0\nPaused: +true/);
    expect(await redis.exists("asynq:{default}:js:quarantine", "asynq:{default}:t:quarantined")).toBe(0);
  });

  test("what it enqueues, our server runs", async ({ redisUrl, startServer }) => {
    run(redisUrl, "task enqueue --type_name email:send --payload hello --id from-cli");

    const ran: string[] = [];
    await startServer(async (task) => void ran.push(`${task.id}: ${task.text()}`));

    await expect.poll(() => ran).toEqual(["from-cli: hello"]);
  });

  test("it lists our cron entries between two ticks, and what they enqueued", async ({ redis, redisUrl }) => {
    const { broker, clock } = ourBroker(redis, 120);
    await addCronEntry(broker, { id: "report", spec: "* * * * *", type: "report:send", queue: "low" });
    await clock.advance(119_000);
    await schedule(broker, { slotsBetween });

    expect(run(redisUrl, "cron ls")).toMatch(/^report +\* \* \* \* \* +report:send .*\[Queue\("low"\)\]/m);
    expect(run(redisUrl, "cron history report")).toMatch(/^report:\d+ /m);
  });
});
