import { once } from "node:events";
import { Redis } from "ioredis";
import { expect, test } from "../../../../test/support/redis-test.ts";
import { tcpFaults } from "../../../../test/support/tcp-faults.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { ioredisSettings } from "./ioredis-settings.ts";
import { parseRedisUri } from "./redis-uri.ts";
import { stayConnected } from "./stay-connected.ts";

test("connects a client again that ended, each time, within 100 ms; and leaves it ended once it is let go", async ({ redisUrl }) => {
  const clock = manualClock();
  const client = new Redis(redisUrl);
  await once(client, "ready");
  const letGo = stayConnected(client, clock);
  const end = async (): Promise<void> => {
    client.disconnect();
    await once(client, "end");
  };

  for (let times = 0; times < 2; times++) {
    await end();
    const ready = once(client, "ready");
    await clock.advance(100);
    await ready;
    expect(await client.ping()).toBe("PONG");
  }

  await end();
  letGo();
  await clock.advance(1_000);
  expect([client.status, clock.waiting]).toEqual(["end", 0]);
});

test("leaves a connection whose first words are lost after 3 s, and is let in by the next one", async ({ redisUrl, onTestFinished }) => {
  const clock = manualClock();
  const way = await tcpFaults({ port: Number(new URL(redisUrl).port) });
  onTestFinished(() => way.stop());
  const client = new Redis(ioredisSettings(parseRedisUri(`redis://127.0.0.1:${way.port}`)).options);
  const letGo = stayConnected(client, clock);
  way.silence("requests");
  await once(client, "connect");

  await clock.advance(2_999);
  expect([client.status, clock.waiting]).toEqual(["connect", 1]);
  const ready = once(client, "ready");
  const closed = once(client, "close");
  await clock.advance(1);
  await closed;
  // What was lost stays lost: only a new connection can be let in.
  way.cut();
  way.silence("none");
  await ready;

  expect([client.status, clock.waiting]).toEqual(["ready", 0]);
  letGo();
  client.disconnect();
});
