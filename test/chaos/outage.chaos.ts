import { existsSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { ioredisPort, ioredisSettings, parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { inject } from "vitest";
import { within } from "./after.ts";
import { expect, test } from "./lab.ts";
import { machineMs } from "./machine-ms.ts";

const { ci } = inject("chaos");
const awayMs = ci ? 15_000 : 60_000;
const mostCpu = 0.05;
const clients = 200;
const windowMs = 250;

/** Seconds that a process was on a processor. Linux counts them in hundredths. */
function cpuSec(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test.runIf(existsSync("/proc/self/stat"))("F22: while Redis is away a worker idles, and is at work again soon after", async ({ lab }) => {
  const redis = await lab.startRedis();
  const worker = await lab.startWorker(redis.url);
  await sleep(3_000);

  let used = Number.NaN;
  await redis.restart(async () => {
    // What it does at once is no matter.
    await sleep(1_000);
    const [cpu, startMs] = [cpuSec(worker.pid), machineMs()];
    await sleep(awayMs);
    used = (cpuSec(worker.pid) - cpu) / ((machineMs() - startMs) / 1_000);
  });
  const backMs = machineMs();
  await new Client({ redis: ioredisPort(redis.admin) }).enqueue(new Task("chaos", lab.payload({ ms: 1 }), { taskId: "a" }));
  const { atMs } = await worker.tells(({ event }) => event === "end");

  lab.report({ awayMs, cpu: Number(used.toFixed(4)), backMs: Math.round(atMs - backMs) });
  expect(used).toBeLessThan(mostCpu);
  expect(atMs - backMs).toBeLessThan(10_000);
});

test("F22: 200 clients whose Redis is away come back scattered, not all at once", async ({ lab }) => {
  const { server, via } = await lab.startRedis();
  const attempts: number[] = [];
  let away = false;
  const door = createServer((socket) => {
    socket.on("error", () => {});
    if (away) {
      attempts.push(machineMs());
      socket.destroy();
      return;
    }
    const upstream = connect(server.port, "127.0.0.1").on("error", () => {});
    socket.pipe(upstream).pipe(socket);
    const close = (): void => {
      socket.destroy();
      upstream.destroy();
    };
    for (const one of [socket, upstream]) one.on("close", close);
    open.add(close);
  });
  const open = new Set<() => void>();
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const { options } = ioredisSettings(parseRedisUri(via((door.address() as { port: number }).port)));
  const all = Array.from({ length: clients }, () => new Redis(options).on("error", () => {}));
  const ready = (): number => all.filter(({ status }) => status === "ready").length;
  expect(await within(20_000, () => ready() === clients)).toBe(true);

  away = true;
  for (const close of open) close();
  const settleMs = 5_000;
  await sleep(settleMs + 10_000);
  away = false;
  const backMs = machineMs();
  expect(await within(10_000, () => ready() === clients)).toBe(true);
  const allBackMs = Math.round(machineMs() - backMs);
  for (const client of all) client.disconnect();
  door.close();

  const steady = attempts.filter((atMs) => atMs > backMs - 10_000);
  const perWindow = Array.from({ length: 10_000 / windowMs }, (_, i) => {
    const fromMs = backMs - 10_000 + i * windowMs;
    return steady.filter((atMs) => atMs >= fromMs && atMs < fromMs + windowMs).length;
  });
  const mean = steady.length / perWindow.length;
  lab.report({ clients, mean: Math.round(mean), most: Math.max(...perWindow), allBackMs });
  expect(mean).toBeGreaterThan(0);
  expect(Math.max(...perWindow)).toBeLessThan(2 * mean);
});
