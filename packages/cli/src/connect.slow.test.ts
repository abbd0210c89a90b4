import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { startRedis } from "../../../test/support/redis-server.ts";
import { startCluster, startSentinels } from "../../../test/support/redis-topologies.ts";
import { expect, runCli, test } from "../test/cli-test.ts";

const list = ["queue", "list"];

// Waits for a Cluster to become whole.
test("a Redis may be a Cluster, whose queues are listed with their nodes", { timeout: 60_000 }, async () => {
  const cluster = await startCluster(2);
  onTestFinished(() => cluster.stop());
  const [first] = cluster.ports;
  for (const port of cluster.ports) {
    const client = new Redis(port);
    // The one that has not its slot refuses.
    await client.sadd("asynq:queues", "mail").catch(() => {});
    client.disconnect();
  }
  const where = ["--cluster", `--cluster_addrs=127.0.0.1:${first}`];

  const { code, out, err } = await runCli([...list, ...where]);

  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/^Queue {2}Cluster KeySlot {2}Cluster Nodes +\n-+ {2}-+ {2}-+ +\nmail {3}\d+ +[0-9a-f]{40} 127\.0\.0\.1:\d+ +\n$/);
  expect((await runCli([...list, "--cluster", "-u", `127.0.0.1:${first}`])).out).toBe(out);
  expect((await runCli([...list, "-u", `redis-cluster://127.0.0.1:${first}`, "--json"])).out).toMatch(/^\[\{"queue":"mail","keySlot":\d+/);
  const stats = await runCli(["stats", ...where]);
  expect(stats.out).toMatch(/Redis Cluster Info\nState {2}Known Nodes {2}Cluster Size {2}\n[- ]+\nOK {5}2 {12}2 {13}\n\n$/);
});

// Waits for Sentinels to start.
test("a Redis may be the master that Sentinels name", { timeout: 60_000 }, async () => {
  const master = await startRedis();
  const sentinels = await startSentinels(master);
  onTestFinished(async () => {
    await sentinels.stop();
    await master.stop();
  });

  expect(await runCli([...list, "-u", `redis-sentinel://127.0.0.1:${sentinels.ports[0]}?master=mymaster`])).toEqual({
    code: 0,
    out: "",
    err: "",
  });
});

// Waits for ioredis' connectTimeout: a Redis that is sent TLS waits for the end of a line.
test("a Redis that speaks no TLS is said with exit code 5", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());

  expect(await runCli([...list, "-u", `127.0.0.1:${server.port}`, "--tls"])).toMatchObject({
    code: 5,
    err: expect.stringMatching(/^asynqjs: cannot reach Redis at [^\n]+ speak TLS [^\n]+\n$/),
  });
});
