import { type TcpFaults, tcpFaults } from "../../support/tcp-faults.ts";
import type { Lab, LabRedis } from "../lab.ts";
import type { RunEvent, WorkerProcess } from "../worker-process.ts";

/** A worker's place: whoever is killed there is followed by another. Its way to Redis is its own, and may lose what it is told to lose. */
export interface Post {
  readonly kind: "node" | "go";
  readonly way: TcpFaults;
  worker: WorkerProcess;
  /** Something is being done to it: it is frozen, or ends. */
  busy: boolean;
}

/** Workers of ours and of Go, and all that they told. */
export class Crew {
  readonly posts: Post[] = [];
  readonly #hire: (kind: Post["kind"], way: TcpFaults) => Promise<WorkerProcess>;
  readonly #past: WorkerProcess[] = [];

  constructor(lab: Lab, { via }: LabRedis, queues: readonly string[]) {
    const config = { queues: Object.fromEntries(queues.map((queue) => [queue, 1])), concurrency: 20 };
    this.#hire = (kind, { port }) =>
      kind === "go" ? lab.startGoWorker(via(port), config) : lab.startWorker(via(port), { ...config, shutdownTimeoutMs: 2_000 });
  }

  /** Takes on so many of each kind, each on a way of its own. */
  async hire({ server }: LabRedis, counts: Readonly<Record<Post["kind"], number>>): Promise<void> {
    const kinds = (["node", "go"] as const).flatMap((kind) => Array.from({ length: counts[kind] }, () => kind));
    for (const kind of kinds) {
      const way = await tcpFaults(server, { keep: false });
      this.posts.push({ kind, way, worker: await this.#hire(kind, way), busy: false });
    }
  }

  /** Puts another worker in the place of one that is gone. */
  async replace(post: Post): Promise<void> {
    this.#past.push(post.worker);
    post.worker = await this.#hire(post.kind, post.way);
  }

  /** Everything that all of them told. */
  events(): RunEvent[] {
    const all = [...this.#past, ...this.posts.map(({ worker }) => worker)];
    for (const worker of all) worker.read();
    return all.flatMap(({ events }) => events);
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.posts.map(({ worker }) => worker.end()));
    await Promise.all(this.posts.map(({ way }) => way.stop()));
  }
}
