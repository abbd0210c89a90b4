import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../support/redis-server.ts";
import { goRedis } from "./go-peer.ts";
import { expect, onGo } from "./interop-test.ts";
import { seedSevenStates, taskStates } from "./seven-states.ts";

interface Tasks {
  readonly tasks: readonly { readonly id: string }[];
}

onGo(["asynqmon"], (base, file) => {
  const test = base.extend<{ api: (path: string, method?: string) => Promise<Response> }>({
    api: async ({ redisUrl }, use) => {
      const { addr, db } = goRedis(redisUrl);
      const port = await freePort();
      const child = spawn(file, ["--port", String(port), "--redis-addr", addr, "--redis-db", String(db)], { stdio: "ignore" });
      const gone = once(child, "exit");
      const url = `http://127.0.0.1:${port}`;
      await expect
        .poll(() =>
          fetch(url).then(
            ({ status }) => status,
            () => 0,
          ),
        )
        .toBe(200);
      await use((path, method = "GET") => fetch(`${url}/api/${path}`, { method }));
      child.kill("SIGKILL");
      await gone;
    },
  });

  test("it shows our queue and our tasks, each in its state, and the quarantined one nowhere", async ({ redis, api }) => {
    await seedSevenStates(redis);

    const { queues } = (await (await api("queues")).json()) as { queues: object[] };
    const one = { active: 1, pending: 1, aggregating: 1, scheduled: 1, retry: 1, archived: 1, completed: 1 };
    expect(queues).toEqual([expect.objectContaining({ queue: "default", size: 7, groups: 1, paused: false, ...one })]);
    for (const state of taskStates) {
      const answer = await api(`queues/default/${state === "aggregating" ? "groups/g/" : ""}${state}_tasks`);
      expect(((await answer.json()) as Tasks).tasks.map(({ id }) => id)).toEqual([state]);
      expect(await (await api(`queues/default/tasks/${state}`)).json()).toMatchObject({ id: state, state, payload: `to ${state}` });
    }
    expect((await api("queues/default/tasks/quarantined")).status).toBe(500);
  });

  test("its buttons run, archive and delete our tasks and pause their queue", async ({ redis, api }) => {
    await seedSevenStates(redis);

    const pressed = await Promise.all([
      api("queues/default/scheduled_tasks/scheduled:run", "POST"),
      api("queues/default/retry_tasks/retry:archive", "POST"),
      api("queues/default/completed_tasks/completed", "DELETE"),
      api("queues/default:pause", "POST"),
    ]);

    expect(pressed.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    expect(await redis.lrange("asynq:{default}:pending", "0", "-1")).toEqual(["scheduled", "pending"]);
    expect((await redis.zrange("asynq:{default}:archived", "0", "-1")).sort()).toEqual(["archived", "retry"]);
    expect(await redis.exists("asynq:{default}:t:completed")).toBe(0);
    expect(await redis.exists("asynq:{default}:paused")).toBe(1);
  });
});
