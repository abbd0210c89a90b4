import { acquireToken, releaseToken } from "@asynqjs/core";
import { goRedis } from "./go-peer.ts";
import { expect, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

onGo(["v0.23.0 with x/rate"], (base) => {
  const test = base.extend<{ acquireInGo: (taskId: string) => Promise<string>; acquireHere: (taskId: string) => Promise<boolean> }>({
    /** Runs a Go task that asks for the one token, and answers what it was told. */
    acquireInGo: async ({ redisUrl, go, startGoWorker }, use) => {
      await startGoWorker();
      const payload = Buffer.from(JSON.stringify({ redis: goRedis(redisUrl), scope: "mailer", maxTokens: 1 }));
      await use(async (taskId) => {
        await go.enqueue({ type: "acquire", payload, options: { taskId, retentionSec: 3600 } });
        await expect.poll(() => go.task(taskId)).toMatchObject({ state: "completed" });
        const { result } = await go.task(taskId);
        await go.act("delete", { id: taskId });
        return Buffer.from(result!, "base64").toString();
      });
    },
    acquireHere: async ({ redis }, use) => {
      const { broker, clock } = ourBroker(redis);
      await use((taskId) => acquireToken(broker, { scope: "mailer", taskId, maxTokens: 1, untilMs: clock.nowMs() + 60_000 }));
    },
  });

  test("a token that a task of ours holds is none for Go, until it gives it back", async ({ redis, acquireInGo, acquireHere }) => {
    expect(await acquireHere("ours")).toBe(true);
    expect(await acquireInGo("theirs")).toBe("full");

    expect(await releaseToken(ourBroker(redis).broker, { scope: "mailer", taskId: "ours" })).toBe(true);

    expect(await acquireInGo("theirs")).toBe("acquired");
    expect(await acquireHere("ours")).toBe(false);
  });

  test("asking again while the semaphore is full, a task of ours keeps its token, and one of Go is refused", async ({
    redis,
    acquireInGo,
    acquireHere,
  }) => {
    expect([await acquireHere("ours"), await acquireHere("ours")]).toEqual([true, true]);
    await releaseToken(ourBroker(redis).broker, { scope: "mailer", taskId: "ours" });

    expect([await acquireInGo("theirs"), await acquireInGo("theirs")]).toEqual(["acquired", "full"]);
  });
});
