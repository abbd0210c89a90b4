import { Cluster } from "ioredis";
import { startCluster } from "../../../test/support/redis-topologies.ts";
import { expect, roundTrip, test } from "../../../test/support/server-test.ts";

// Waits for Redis: a new Cluster serves nothing for its first two seconds.
test("a server connects to a Cluster, each queue in its own slot", async () => {
  const node = await startCluster();
  const client = new Cluster([{ host: "127.0.0.1", port: node.port }]);

  expect(await roundTrip(`redis-cluster://127.0.0.1:${node.port}`, client)).toBe("default: hello");
  expect(await roundTrip(`redis-cluster://127.0.0.1:${node.port}`, client, { queue: "other" })).toBe("other: hello");
  expect(await roundTrip(client, client, { queue: "other" })).toBe("other: hello");

  client.disconnect();
  await node.stop();
});
