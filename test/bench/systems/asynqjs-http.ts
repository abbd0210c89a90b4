import { Client } from "@asynqjs/client-edge";
import { startGateway } from "@asynqjs/gateway";
import type { System } from "../system.ts";
import { asynqjs, enqueueWith } from "./asynqjs.ts";

const token = "a-token-of-the-benchmark";

/** Through a gateway in the producer's own process: its CPU is both. */
export const asynqjsHttp: System = {
  async makeProducer(redisPort) {
    const gateway = await startGateway({ redis: `redis://127.0.0.1:${redisPort}`, tokens: [token], port: 0 });
    const client = new Client({ url: gateway.url, token });
    return {
      ...enqueueWith(client),
      async close() {
        await client.close();
        await gateway.close();
      },
    };
  },
  startWorker: asynqjs.startWorker,
};
