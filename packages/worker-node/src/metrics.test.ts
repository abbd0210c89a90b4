import { renderMetrics } from "@asynqjs/core";
import { describe, expect, gate, test, until } from "../../../test/support/server-test.ts";
import { serverMetrics } from "./metrics.ts";

describe("the metrics of a server", () => {
  test("tell how long tasks waited and ran, by queue and type", async ({ makeServer, seed, clock }) => {
    const work = gate();
    await seed({ taskId: "a", type: "slow", queue: "low" }, { taskId: "b", type: "quick" });
    await clock.advance(2_000);
    const server = makeServer({ queues: { default: 1, low: 1 } });
    await server.start((task) => (task.type === "slow" ? work.opened : undefined));
    await until(() => server.metrics().done === 1);
    await clock.advance(3_000);
    work.open();
    await until(() => server.metrics().done === 2);

    const { waitSec, runSec } = server.metrics();
    const told = (series: typeof waitSec): object[] =>
      series.map(({ labels: { queue, type }, sum, count }) => ({ queue, type, sum, count })).sort((a, b) => a.type!.localeCompare(b.type!));
    expect(told(waitSec)).toEqual([
      { queue: "default", type: "quick", sum: 2, count: 1 },
      { queue: "low", type: "slow", sum: 2, count: 1 },
    ]);
    expect(told(runSec)).toEqual([
      { queue: "default", type: "quick", sum: 0, count: 1 },
      { queue: "low", type: "slow", sum: 3, count: 1 },
    ]);
  });

  test("are served as text with a counter for everything that is counted", async ({ makeServer, seed }) => {
    await seed({ taskId: "a" });
    const server = makeServer();
    await server.start(() => {});
    await until(() => server.metrics().done === 1);

    const text = renderMetrics(serverMetrics(server.metrics()));
    expect(text).toContain("# TYPE asynqjs_server_done_total counter\nasynqjs_server_done_total 1\n");
    expect(text).toContain("asynqjs_server_lease_lost_total 0\n");
    expect(text).toContain("asynqjs_server_healthy 1\n");
    expect(text).toContain('asynqjs_server_task_run_seconds_bucket{queue="default",type="email:send",le="0.001"} 1\n');
  });
});
