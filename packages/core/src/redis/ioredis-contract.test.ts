import { type FaultyRedis, faultyRedis } from "@asynqjs/core/testing";
import { inject } from "vitest";
import { test as brokerTest } from "../../../../test/support/broker-test.ts";
import { type LossyPort, openLossyPort } from "../../../../test/support/lossy-port.ts";
import { openPort } from "../../../../test/support/open-port.ts";
import { portContract } from "../../../../test/support/port-contract.ts";

// To one Redis or, in the project that has them, through Sentinels; a Cluster's is the port of a project of its own.
const kind = inject("brokerPort") === "sentinel" ? "ioredis-sentinel" : "ioredis";

const test = brokerTest.extend<{ port: FaultyRedis; lossy: LossyPort }>({
  port: async ({ at }, use) => {
    const port = openPort(kind, at);
    await use(faultyRedis(port));
    await port.close();
  },
  lossy: async ({ at }, use) => {
    const lossy = await openLossyPort(kind, at);
    await use(lossy);
    await lossy.stop();
  },
});

portContract(test);
