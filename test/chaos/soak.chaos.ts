import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { expect, type Lab, test } from "./lab.ts";
import { findGrowing, type Sample } from "./soak/judge-flat.ts";
import type { SoakSettings } from "./soak/soak-process.ts";

const { minutes } = inject("chaos");

async function soak({ dir, canaries, startRedis }: Lab, settings: Pick<SoakSettings, "ms" | "leaks">): Promise<Sample[]> {
  const { url } = await startRedis();
  const samples = path.join(dir, "soak.samples");
  const [watch, file] = ["watch-emitters.ts", "soak-process.ts"].map((name) => fileURLToPath(new URL(`soak/${name}`, import.meta.url)));
  const told: SoakSettings = { redisUrl: url, canaries, ...settings };
  const child = spawn(process.execPath, ["--expose-gc", "--import", watch!, file!, JSON.stringify(told)], {
    stdio: ["ignore", openSync(samples, "w"), openSync(path.join(dir, "soak.log"), "w")],
  });
  const [code, signal] = await once(child, "exit");
  expect(signal ?? code).toBe(0);
  return readFileSync(samples, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test.concurrent(`soak: heap, sockets, timers and listeners are flat over ${minutes} min of load, lost connections, servers that come and go`, {
  timeout: minutes * 60_000 + 600_000,
}, async ({ lab }) => {
  const samples = await soak(lab, { ms: minutes * 60_000, leaks: false });

  const { tasks, heapBytes, counts } = samples.at(-1)!;
  const quarter = Math.ceil(samples.length / 4);
  const meanOf = (some: readonly Sample[]): number => some.reduce((sum, sample) => sum + sample.heapBytes, 0) / some.length;
  const rose = meanOf(samples.slice(-quarter)) - meanOf(samples.slice(0, quarter));
  const kB = (bytes: number): number => Math.round(bytes / 1_000);
  lab.report({ samples: samples.length, tasks: tasks - samples[0]!.tasks, heapKB: kB(heapBytes), roseKB: kB(rose), counts });
  expect(findGrowing(samples)).toEqual([]);
});

test.concurrent("soak: what is left behind on purpose is found: objects, a listener, a timer, a connection a round", async ({ lab }) => {
  const growing = findGrowing(await soak(lab, { ms: 0, leaks: true }));

  lab.report({ growing: growing.map((what) => what.slice(0, 60)) });
  const found = growing.map((what) => what.split(/[: ]/)[0]);
  expect(found).toEqual(expect.arrayContaining(["Timeout", "TCPSocketWrap", "listeners", "connections", "heapBytes"]));
});
