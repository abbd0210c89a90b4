import { once } from "node:events";
import { Redis } from "ioredis";
import { expect, test } from "../../../../test/support/redis-test.ts";
import { manualClock } from "../testing/manual-clock.ts";
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
