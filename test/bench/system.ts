/** What is compared: each system through its public API, in settings that suit the work. @module */

/** A task of the benchmark. */
export interface BenchTask {
  readonly payload: string;
  /** Default `"default"`. */
  readonly queue?: string | undefined;
  /** Another like it is refused for so long. */
  readonly uniqueForSec?: number | undefined;
  readonly group?: string | undefined;
}

export interface Producer {
  enqueue(task: BenchTask): Promise<unknown>;
  /** In as few round trips as the system has a way for; absent where it has none. */
  enqueueMany?(tasks: readonly BenchTask[]): Promise<unknown>;
  close(): Promise<void>;
}

interface WorkerOptions {
  readonly concurrency: number;
  /** Queues and their priorities, of systems that serve several by priority. */
  readonly queues: Readonly<Record<string, number>>;
  readonly strict: boolean;
  /** Groups are made one task each, at most so large; 0 is no grouping. */
  readonly groupSize: number;
  /** Runs a task; one that throws is tried again at once. */
  readonly handler: (payload: string) => Promise<void>;
}

interface RunningWorker {
  /** Ends it with everything written. */
  close(): Promise<void>;
}

export interface System {
  makeProducer(redisPort: number): Promise<Producer>;
  startWorker(redisPort: number, options: WorkerOptions): Promise<RunningWorker>;
}
