import path from "node:path";
import { correctedClock, makeBroker, systemClock, systemRandom } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { startGateway } from "@asynqjs/gateway";
import { Redis } from "ioredis";
import { exitCodes, lineOf } from "../exit-codes.ts";
import type { Output } from "../surroundings.ts";
import { untilAborted } from "../until-aborted.ts";
import { collectChanges } from "./changes.ts";
import { type Child, type ChildOptions, startChild } from "./child.ts";
import { devEnv, namesOf, type Places } from "./dev-env.ts";
import { devFolder, devToken } from "./dev-folder.ts";
import { type Guard, openGuard } from "./guard.ts";
import { startOwnRedis } from "./own-redis.ts";
import { type DevOptions, type DevPlan, planDev } from "./plan-dev.ts";
import { demandAnswer, settingsFor, whereIs } from "./reach-redis.ts";
import { runCron } from "./run-cron.ts";
import { nodeArgsFor } from "./run-typescript.ts";
import { runWorker } from "./run-worker.ts";
import { type Say, sayTo } from "./say.ts";
import { watchSources } from "./watch-sources.ts";

export interface DevSurroundings {
  /** The project. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly colored: boolean;
  /** Ends it, each part before what it needs. */
  readonly stopping: AbortSignal;
  /** Ends it at once. */
  readonly killing: AbortSignal;
}

/** A run under way. */
interface Run extends DevSurroundings {
  readonly plan: DevPlan;
  readonly guard: Guard;
  readonly say: Say;
  readonly start: (options: Omit<ChildOptions, "guard" | "cwd">) => Child;
  /** All was ended at once: nothing is started any more. */
  readonly killed: AbortSignal;
  /** What is to be ended when the run is over, the last one first: each part before what it needs. */
  readonly ends: (() => unknown)[];
}

const patienceMs = 10_000;

/**
 * Runs a project: a Redis, the gateway before it, the worker, the ticks with the project's cron entries, and a command of its own. Until it is
 * told to stop, or the command or the Redis ends; however it ends, nothing of it is left.
 *
 * Answers the exit code: 0, the command's, 1 for a Redis that died, 130 where it was ended at once.
 * @throws {CliError} it cannot be started so: a file, a port, a Redis
 */
export async function runDev(options: DevOptions, surroundings: DevSurroundings): Promise<number> {
  const { cwd, stdout, stderr, colored, stopping, killing } = surroundings;
  const plan = await planDev(options, cwd);
  const guard = openGuard();
  const children = new Set<Child>();
  const start: Run["start"] = (given) => {
    const child = startChild({ cwd, guard, ...given });
    children.add(child);
    child.gone.then(() => children.delete(child));
    return child;
  };
  const say = sayTo(stdout, stderr, colored);
  const killed = new AbortController();
  const killAll = (): void => {
    killed.abort();
    for (const child of children) child.kill();
  };
  killing.addEventListener("abort", killAll, { once: true });
  const ends: Run["ends"] = [() => guard.close()];
  let code: number;
  try {
    const outcome = await runParts({ ...surroundings, plan, guard, start, killed: killed.signal, ends, say });
    // Without it nothing can be ended well.
    if (outcome === "redis died") killAll();
    code = outcome === "redis died" ? exitCodes.failed : outcome;
  } catch (error) {
    if (!stopping.aborted) throw error;
    code = exitCodes.ok;
  } finally {
    for (const end of ends.reverse()) await end();
    killing.removeEventListener("abort", killAll);
  }
  return killing.aborted ? exitCodes.interrupted : code;
}

async function runParts(run: Run): Promise<number | "redis died"> {
  const { plan, say, stopping } = run;
  const stopped = untilAborted(stopping);
  const redis = await openRedis(run);
  const places = await openGateway(run);
  if (stopping.aborted) return exitCodes.ok;
  tellPlaces(run, places);
  // The project's .env may change, as its sources do.
  const env = (): NodeJS.ProcessEnv => devEnv(run.cwd, run.env, places, run.colored);
  // One that cannot be read at the start is told of before anything is started with it.
  env();
  await startParts(run, env);
  if (stopping.aborted) return exitCodes.ok;
  const app = startApp(run, env());

  const happened = await Promise.race([
    stopped,
    ...(redis === undefined ? [] : [redis.gone.then(() => "redis" as const)]),
    ...(app === undefined ? [] : [app.gone.then(() => "app" as const)]),
  ]);
  switch (happened) {
    case "stopped":
      if (plan.worker !== undefined) say("worker", "finishes what it runs; another Ctrl-C ends all at once");
      return exitCodes.ok;
    case "redis": {
      say.error("redis", `ended (${(await redis!.gone).how})${plan.keep ? "" : ", and what was in it is gone"}: all ends`);
      return "redis died";
    }
    case "app": {
      const { code, how } = await app!.gone;
      say("app", `ended (${how}): all ends`);
      return code;
    }
  }
}

/** Reaches the Redis that was named, or starts one. */
async function openRedis({ plan, say, start, ends, cwd, env, stopping }: Run): Promise<Child | undefined> {
  const { redis, redisPort: port, keep } = plan;
  const where = whereIs(redis.parsed);
  if (redis.isGiven) {
    await demandAnswer(redis.parsed);
    say("redis", where);
    return undefined;
  }
  const dataDir = keep ? path.join(devFolder(cwd), "redis") : undefined;
  const { name, child } = await startOwnRedis({ port, dataDir, env, start, signal: stopping, onWait: (text) => say("redis", text) });
  ends.push(() => child.stop(patienceMs));
  say("redis", `${where}, by ${name}; ${keep ? "kept in .asynqjs/redis" : "nothing is kept: --keep does"}`);
  return child;
}

async function openGateway({ plan, say, ends, cwd, killing }: Run): Promise<Places> {
  const { redis, gatewayPort: port } = plan;
  const token = devToken(cwd);
  // Of this one the gateway takes the settings only.
  const client = new Redis({ ...settingsFor(redis.parsed), lazyConnect: true });
  const log = (level: "info" | "warn", text: string): void => (level === "warn" ? say.error : say)("gateway", text);
  const gateway = await startGateway({ redis: client, tokens: [token], port, log });
  ends.push(() => Promise.race([gateway.close(), untilAborted(killing)]));
  say("gateway", gateway.url);
  return { redisUri: redis.uri, gatewayUrl: gateway.url, token };
}

/** As lines of a `.env`, without a name before them, to be copied. A URI that was given may hold a password: it is known there. */
function tellPlaces({ plan, stdout }: Run, places: Places): void {
  const { REDIS_URI, ...others } = namesOf(places);
  const told = plan.redis.isGiven ? others : { REDIS_URI, ...others };
  const lines = Object.entries(told).map(([name, value]) => `${name}=${value}\n`);
  stdout.write(`\n${lines.join("")}\n`);
}

/** Starts the worker and the ticks, and watches the sources of both. */
async function startParts(run: Run, env: () => NodeJS.ProcessEnv): Promise<void> {
  const { plan, say, start, killed, ends, cwd, guard } = run;
  const { worker: file, cron, folders, owner } = plan;
  const parts = new AbortController();
  const signal = AbortSignal.any([parts.signal, killed]);
  const client = new Redis(settingsFor(plan.redis.parsed));
  // The port says what failed, with each call.
  client.on("error", () => {});
  const redis = ioredisPort(client, { managed: true, timeoutMs: 3_000 });
  const broker = makeBroker({ redis, clock: correctedClock(systemClock), random: systemRandom });
  ends.push(() => redis.close());

  const ofWorker = collectChanges();
  const ofCron = collectChanges();
  const watching = await watchSources({
    folders,
    onChange(changed) {
      ofWorker.note(changed);
      ofCron.note(changed);
    },
    onError: (error) => say.error(file === undefined ? "cron" : "worker", `files are not watched: ${lineOf(error)}`),
  });
  ends.push(() => watching.close());

  const running = [runCron({ broker, file: cron, owner, changes: ofCron, say, signal, cwd, env, guard })];
  if (file !== undefined) {
    const startWorker = (): Child =>
      start({
        command: process.execPath,
        args: ["--enable-source-maps", ...nodeArgsFor(file, cwd), file],
        env: env(),
        onLine: (line, isError) => (isError ? say.error : say)("worker", line),
      });
    running.push(runWorker({ file, cwd, start: startWorker, changes: ofWorker, say, signal }));
  }
  const over = Promise.all(running);
  ends.push(() => {
    parts.abort();
    return over;
  });
}

function startApp({ plan, say, start, ends }: Run, env: NodeJS.ProcessEnv): Child | undefined {
  const [command, ...args] = plan.command;
  if (command === undefined) return undefined;
  const app = start({ command, args, env, onLine: (line, isError) => (isError ? say.error : say)("app", line) });
  ends.push(() => app.stop(patienceMs));
  return app;
}
