import { Redis } from "ioredis";

/** What Redis spent; differences of two are the cost of what was between. */
export interface RedisSpent {
  readonly cpuUs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Reads of its sockets: what a round trip costs it. */
  readonly reads: number;
  readonly usedBytes: number;
}

export interface RedisMeter {
  read(): Promise<RedisSpent>;
  flush(): Promise<void>;
  version(): Promise<string>;
  /** The client itself, for looking at what is left. */
  readonly redis: Redis;
  close(): void;
}

export function redisMeter(port: number): RedisMeter {
  const redis = new Redis(port, { protocol: 2 });
  return {
    redis,
    async read() {
      const info = await redis.info();
      const field = (name: string): number => Number(new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1] ?? 0);
      return {
        cpuUs: (field("used_cpu_sys") + field("used_cpu_user")) * 1e6,
        bytesIn: field("total_net_input_bytes"),
        bytesOut: field("total_net_output_bytes"),
        reads: field("total_reads_processed"),
        usedBytes: field("used_memory"),
      };
    },
    async flush() {
      await redis.flushall();
      await redis.script("FLUSH");
    },
    version: async () => /^redis_version:(\S+)/m.exec(await redis.info("server"))![1]!,
    close: () => redis.disconnect(),
  };
}
