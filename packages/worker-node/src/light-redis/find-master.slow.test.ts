import { parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { expect, test } from "vitest";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { startSentinels } from "../../../../test/support/redis-topologies.ts";
import { tcpFaults } from "../../../../test/support/tcp-faults.ts";
import { lightPort } from "./light-port.ts";

// Waits two seconds of real time: so long a Sentinel may take to answer on a socket.
test("asks the next Sentinel when the first one lets it in and then answers no more", async () => {
  const master = await startRedis();
  const sentinels = await startSentinels(master);
  const silent = await tcpFaults({ port: sentinels.ports[0]! });
  silent.next("hold-reply", "get-master-addr-by-name");
  const port = lightPort(parseRedisUri(`redis-sentinel://127.0.0.1:${silent.port},127.0.0.1:${sentinels.ports[1]}?master=mymaster`));

  expect(await port.send([["SET", "k", "v"]])).toEqual([{ reply: Buffer.from("OK") }]);

  expect(silent.requests.join("")).toMatch("get-master-addr-by-name");
  await port.close();
  await silent.stop();
  await sentinels.stop();
  await master.stop();
});
