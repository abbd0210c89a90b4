import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { makeBroker } from "../broker.ts";
import { addCronEntry } from "../cron/add-cron-entry.ts";
import { scanInvariants } from "../invariants/index.ts";
import type { RedisPort } from "../redis.ts";
import { faultyRedis, mortalRedis } from "../testing/faulty-redis.ts";
import { schedule } from "./schedule.ts";

const tenMinutes = { id: "report", spec: "@every 600s", type: "report:send", queue: "q" } as const;
const times = { slotsBetween };
const first = Math.ceil(startSec / 600) * 600;

/** A port that loses one request, or the reply to it, and goes on. */
function losing(redis: RedisPort, nth: number, what: "request" | "reply"): RedisPort & { readonly lost: boolean } {
  const faulty = faultyRedis(redis);
  let sent = 0;
  return {
    features: () => redis.features(),
    close: () => redis.close(),
    get lost() {
      return sent > nth;
    },
    send(commands, options) {
      if (sent++ === nth) {
        if (what === "request") faulty.dropRequest();
        else faulty.dropReply();
      }
      return faulty.send(commands, options);
    },
  };
}

describe("a schedule tick that fails at any of its calls", { timeout: 60_000 }, () => {
  test.for(["killed", "request", "reply"] as const)(
    "%s: the next one completes it, as if there had been only one",
    async (fault, { broker, other, clock, redis, keyspace }) => {
      const atMs = clock.nowMs();
      /** An empty Redis is filled by a client that never wrote to it: a queue in which a slot is due, one to be caught up, and a claim that was lost. */
      const begin = async (): Promise<void> => {
        await redis.flushdb();
        clock.jump(atMs - clock.nowMs());
        const client = makeBroker(other);
        await addCronEntry(client, tenMinutes);
        await addCronEntry(client, { ...tenMinutes, id: "second", queue: "other", spec: "@every 500s", overlap: "skip" });
        await addCronEntry(client, { ...tenMinutes, id: "lost" });
        await redis.del("asynq:{q}:js:cron:lost");
        clock.jump((first + 10 - startSec) * 1000);
      };
      const end = async () => {
        const space: Record<string, unknown> = { ...(await keyspace()) };
        // Versions are drawn.
        space["asynq:js:cron"] = Object.keys(space["asynq:js:cron"] as object).sort();
        return space;
      };
      await begin();
      await schedule(makeBroker(other), times);
      const wanted = await end();

      let nth = 0;
      for (let failed = true; failed; nth++) {
        await begin();
        const port = fault === "killed" ? undefined : losing(broker.redis, nth, fault);
        const failing = makeBroker({ ...broker, redis: port ?? mortalRedis(broker.redis, nth) });
        failed = await schedule(failing, times).then(
          () => port?.lost === true,
          () => true,
        );
        await schedule(makeBroker(other), times);

        expect(await end(), `${fault} at call ${nth}`).toEqual(wanted);
        expect((await scanInvariants(other.redis)).findings).toEqual([]);
      }
      expect(nth).toBeGreaterThan(3);
    },
  );
});
