/** One process of the benchmark: `node process.ts SYSTEM JOB`. Begins at a line on stdin. @module */
import { createInterface } from "node:readline";
import { type Job, type JobOf, numberIn, payloadOf, type Told } from "./jobs.ts";
import type { BenchTask, System } from "./system.ts";

/** Each process carries the system it measures and no other. */
const systems: Readonly<Record<string, () => Promise<System>>> = {
  asynqjs: async () => (await import("./systems/asynqjs.ts")).asynqjs,
  "asynqjs over HTTP": async () => (await import("./systems/asynqjs-http.ts")).asynqjsHttp,
  limit: async () => (await import("./systems/limit.ts")).limit,
  BullMQ: async () => (await import("./systems/bullmq.ts")).bullmq,
  "bee-queue": async () => (await import("./systems/bee-queue.ts")).beeQueue,
  groupmq: async () => (await import("./systems/groupmq.ts")).groupmq,
};

const [name, text] = process.argv.slice(2);
const system = await systems[name!]!();
const job = JSON.parse(text!) as Job;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

switch (job.role) {
  case "produce":
    await produce(job);
    break;
  case "work":
    await work(job);
    break;
  case "forward":
    await (await import("./forward-all.ts")).forwardAll(job, { begin, next: () => lines.next(), tell });
    break;
  case "tick":
    await tick(job);
    break;
  case "listen":
    await listen(job);
    break;
}
// Some systems leave timers behind.
process.exit(0);

async function produce({ redisPort, tasks, warmup, inFlight, perCall, from, ...kind }: JobOf<"produce">): Promise<void> {
  const producer = await system.makeProducer(redisPort);
  const latenciesUs: number[] = [];
  let next = from;
  const send = async (until: number): Promise<void> => {
    const lines = Array.from({ length: inFlight }, async () => {
      while (next < until) {
        const numbers = Array.from({ length: Math.min(perCall, until - next) }, () => next++);
        const startedMs = performance.now();
        if (perCall > 1) await producer.enqueueMany!(numbers.map((number) => taskOf(number, kind)));
        else await producer.enqueue(taskOf(numbers[0]!, kind));
        latenciesUs.push((performance.now() - startedMs) * 1000);
      }
    });
    await Promise.all(lines);
  };
  tell({ event: "ready" });
  await lines.next();
  await send(from + warmup);
  latenciesUs.length = 0;
  const end = begin();
  await send(from + warmup + tasks);
  latenciesUs.sort((a, b) => a - b);
  end({ runs: 0, repeated: 0, p50Us: latenciesUs[latenciesUs.length >> 1], p99Us: latenciesUs[Math.floor(latenciesUs.length * 0.99)] });
  await producer.close();
  tell({ event: "closed" });
}

function taskOf(
  number: number,
  { payloadBytes, queues, uniqueForSec, groups }: Pick<JobOf<"produce">, "payloadBytes" | "queues" | "uniqueForSec" | "groups">,
): BenchTask {
  return {
    payload: payloadOf(number, payloadBytes),
    queue: queues[number % queues.length],
    ...(uniqueForSec > 0 ? { uniqueForSec } : {}),
    ...(groups > 0 ? { group: `g${number % groups}` } : {}),
  };
}

async function work({ redisPort, tasks, warmup, handlerMs, failOneIn, ...options }: JobOf<"work">): Promise<void> {
  const seen = new Uint8Array(warmup + tasks);
  let runs = 0;
  let repeated = 0;
  let ended = 0;
  let end: ReturnType<typeof begin> | undefined;
  let allDone = (): void => {};
  const done = new Promise<void>((resolve) => (allDone = resolve));
  tell({ event: "ready" });
  await lines.next();
  if (warmup === 0) end = begin();
  const worker = await system.startWorker(redisPort, {
    ...options,
    async handler(payload) {
      runs++;
      let count = 1;
      if (options.groupSize > 0) count = Number(payload);
      else {
        const number = numberIn(payload);
        const before = seen[number]!++;
        const fails = failOneIn > 0 && number % failOneIn === 0;
        if (fails && before === 0) throw new Error("the first time it fails");
        if (before > (fails ? 1 : 0)) {
          repeated++;
          return;
        }
      }
      if (handlerMs > 0) await new Promise((resolve) => setTimeout(resolve, handlerMs));
      ended += count;
      if (ended >= warmup) end ??= begin();
      if (ended >= warmup + tasks) allDone();
    },
  });
  await done;
  end!({ runs, repeated });
  await worker.close();
  tell({ event: "closed" });
}

async function tick({ redisPort }: JobOf<"tick">): Promise<void> {
  const producer = await system.makeProducer(redisPort);
  tell({ event: "ready" });
  for (let line = await lines.next(); !line.done; line = await lines.next())
    await producer.enqueue({ payload: `#${process.hrtime.bigint()}#` });
}

async function listen({ redisPort, concurrency, tells }: JobOf<"listen">): Promise<void> {
  await system.startWorker(redisPort, {
    ...{ concurrency, queues: { default: 1 }, strict: false, groupSize: 0 },
    async handler(payload) {
      if (tells) tell({ event: "started", afterUs: Number(process.hrtime.bigint() - BigInt(payload.slice(1, -1))) / 1000 });
    },
  });
  tell({ event: "ready" });
  for (let line = await lines.next(); !line.done; line = await lines.next());
}

/** Measures from now until what it answers is called. */
function begin(): (counts: Pick<Extract<Told, { event: "done" }>, "runs" | "repeated" | "p50Us" | "p99Us">) => void {
  tell({ event: "warm" });
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  return (counts) => {
    const ms = performance.now() - startedMs;
    const { user, system: kernel } = process.cpuUsage(cpu);
    tell({ event: "done", ms, cpuUs: user + kernel, rssMiB: process.resourceUsage().maxRSS / 1024, ...counts });
  };
}

function tell(line: Told): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
