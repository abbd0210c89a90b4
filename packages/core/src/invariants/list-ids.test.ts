import { expect, test } from "../../../../test/support/broker-test.ts";
import { readList } from "./list-ids.ts";

const list = "asynq:{default}:pending";

test("counts how often an id is in a list, also in one that grows while it is read", async ({ redis, port, broker }) => {
  const ids = Array.from({ length: 1_500 }, (_, i) => `id-${i}`);
  await redis.rpush(list, ...ids, "id-7", "id-7", "ü");
  let grown = false;
  const growing = {
    ...port,
    send: async (...sent: Parameters<typeof port.send>) => {
      const results = await port.send(...sent);
      if (!grown && sent[0][0]![0] === "LLEN") {
        grown = true;
        await redis.rpush(list, ...Array.from({ length: 9_000 }, (_, i) => `late-${i}`), "id-7");
      }
      return results;
    },
  };

  const count = await readList({ ...broker, redis: growing }, "default", "pending", {});

  expect(ids.map(count)).toEqual(ids.map((id) => (id === "id-7" ? 4 : 1)));
  expect([count("ü"), count("late-0"), count("late-8999"), count("other"), count("")]).toEqual([1, 1, 1, 0, 0]);
});
