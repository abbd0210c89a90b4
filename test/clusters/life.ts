import { Client } from "@asynqjs/client-edge";
import {
  type Broker,
  cancelProcessing,
  type Durability,
  dequeue,
  durableRedis,
  makeBroker,
  type RedisPort,
  sleep,
  systemClock,
  systemRandom,
  Task,
} from "@asynqjs/core";
import { type Metrics, type ProcessingTask, Server } from "@asynqjs/worker-node";
import { gate } from "../support/server-test.ts";
import { enqueueOneOfEach } from "./enqueue-one-of-each.ts";
import { aggregated, fateOf, type Helpers } from "./fates.ts";
import { type History, newHistory } from "./history.ts";
import { lifeConfig } from "./life-config.ts";
import { Pulse } from "./pulse.ts";

export interface LifeOptions {
  /** Where the servers find the tasks. */
  readonly redis: string;
  /** The client's way there. */
  readonly port: RedisPort;
  readonly queues: readonly string[];
  readonly durability?: Durability;
}

/** Servers at work and a client that enqueues, all of them the same from the beginning to the end. */
export interface Life {
  readonly queues: readonly string[];
  readonly port: RedisPort;
  readonly servers: readonly Server[];
  readonly history: History;
  /** Resolves when in each queue tasks were acknowledged and run since then, and outcomes are written. */
  goesOn(fromMs: number): Promise<void>;
  /** The longest time since then in which one queue was at a stand: nothing acknowledged, or nothing run, or, in none, an outcome written. */
  stoodStillSec(fromMs: number): number;
  /** Words, without details, with which the servers warned. */
  readonly warnings: ReadonlySet<string>;
  /** Enqueues one task of a type that is enqueued by nobody else; resolves with its id when it runs. */
  begin(type: string, queue: string): Promise<string>;
  /** Ends the tasks that run until they are let go. */
  letGo(): void;
  /** Takes one task as a worker does that dies, a minute and a half ago. */
  loseWorker(queue: string): Promise<void>;
  /** One more server, or one less. */
  startServer(): Promise<Server>;
  /** Enqueues no more; resolves when everything that was sent is answered. */
  stopProducing(): Promise<void>;
  /** Of all servers there were. */
  sum(counter: keyof { [C in keyof Metrics as Metrics[C] extends number ? C : never]: number }): number;
  /** Shuts the servers down. */
  close(): Promise<void>;
}

/** Between two calls of the client, whatever queue they are for; each queue has a producer of its own. */
const restMs = 25;

export async function startLife({ redis, port, queues, durability = "none" }: LifeOptions): Promise<Life> {
  const parts = { clock: systemClock, random: systemRandom };
  const broker = makeBroker({ redis: port, ...parts });
  const client = new Client({ redis: durableRedis(port, { tier: durability }) });
  const history = newHistory();
  const pulses = new Map(queues.map((queue) => [queue, { acknowledged: new Pulse(), ran: new Pulse() }]));
  const settled = new Pulse();
  const letGo = gate();
  const servers: Server[] = [];
  const warnings = new Set<string>();
  const helpers: Helpers = { letGo: letGo.opened, cancel: (task) => void cancelUntilHeard(broker, task) };

  async function handle(task: ProcessingTask): Promise<void> {
    pulses.get(task.queue)!.ran.beat();
    const ids = task.type === aggregated ? task.json<string[]>() : [task.id];
    const ends = ids.map((id) => history.ran(id));
    try {
      await fateOf(task.type)?.run(task, helpers);
    } finally {
      for (const end of ends) end();
    }
  }

  async function startServer(): Promise<Server> {
    const warn = (message: string): void => void warnings.add(message);
    const server = new Server(redis, lifeConfig(queues, durability, warn));
    servers.push(server);
    await server.start(handle);
    return server;
  }

  const sum: Life["sum"] = (counter) => servers.reduce((total, server) => total + server.metrics()[counter], 0);
  let before = 0;
  const sampling = setInterval(() => {
    const now = (["done", "completed", "retried", "archived", "revoked"] as const).reduce((total, counter) => total + sum(counter), 0);
    if (now > before) settled.beat();
    before = now;
  }, 10);

  const allPulses = [settled, ...[...pulses.values()].flatMap(({ acknowledged, ran }) => [acknowledged, ran])];
  let producing = true;
  async function produce(queue: string): Promise<void> {
    while (producing) {
      await enqueueOneOfEach(client, history, queue, () => pulses.get(queue)!.acknowledged.beat());
      await sleep(systemClock, restMs * queues.length);
    }
  }
  for (let i = 0; i < 2; i++) await startServer();
  const lines = queues.map(produce);

  return {
    ...{ queues, port, servers, history, warnings, startServer, sum },
    async begin(type, queue) {
      const id = history.begin(type, queue);
      await client.enqueue(new Task(type, id, { ...fateOf(type)!.options, taskId: id, queue }));
      history.answered(id, "acknowledged");
      while (history.stories.get(id)!.runs === 0) await sleep(systemClock, 20);
      return id;
    },
    letGo: () => letGo.open(),
    async goesOn(fromMs) {
      while (!allPulses.every((pulse) => pulse.since(fromMs))) await sleep(systemClock, 10);
    },
    stoodStillSec: (fromMs) => Math.max(...allPulses.map((pulse) => pulse.longestGapMs(fromMs))) / 1000,
    async loseWorker(queue) {
      const past = { ...systemClock, nowMs: () => systemClock.nowMs() - 90_000 };
      await dequeue(makeBroker({ redis: port, clock: past, random: systemRandom }), [queue], 1);
    },
    async stopProducing() {
      producing = false;
      await Promise.all(lines);
    },
    async close() {
      producing = false;
      letGo.open();
      await Promise.all(lines);
      await Promise.all(servers.map((server) => server.shutdown()));
      clearInterval(sampling);
    },
  };
}

/** As a user does who sees that nothing follows. */
async function cancelUntilHeard(broker: Broker, { id, queue, signal }: ProcessingTask): Promise<void> {
  while (!signal.aborted) {
    await cancelProcessing(broker, [{ queue, id }], { timeoutMs: 60_000 }).catch(() => {});
    await sleep(systemClock, 10_000, signal);
  }
}
