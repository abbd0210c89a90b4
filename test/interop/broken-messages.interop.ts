/** What Go makes of messages that are broken: the reader that `fuzz/` holds ours against has to be right. */
import { Chance } from "../fuzz/chance.ts";
import { makeMessage } from "../fuzz/message-inputs.ts";
import { taskKind } from "../fuzz/message-kinds.ts";
import { Refused, referenceRead } from "../fuzz/reference-reader.ts";
import type { GoTaskInfo } from "./go-peer.ts";
import { expect, onGo } from "./interop-test.ts";

const count = 10_000;
const seed = 20_261_129;

// The wire is the same in all versions; the newest reads headers too.
onGo(["v0.26.0"], (test) => {
  test("Go reads 10,000 altered messages as the fuzz takes it to, and refuses those that it takes it to refuse", async ({ redis, go }) => {
    const messages = Array.from({ length: count }, (_, i) => makeMessage(new Chance(seed, i), 0));
    await redis.sadd("asynq:queues", "default");
    const written = redis.pipeline();
    for (const [i, message] of messages.entries()) written.hset(`asynq:{default}:t:${i}`, { msg: Buffer.from(message), state: "pending" });
    await written.exec();

    let refused = 0;
    for (const [i, message] of messages.entries()) {
      const told = await go.task(String(i)).catch((error: Error) => {
        if (error.name === "GoError" && /cannot|proto|decode/i.test(error.message)) return undefined;
        throw error;
      });
      const what = Buffer.from(message).toString("hex").slice(0, 400);
      const expected = referenceTask(message);
      if (told === undefined) refused++;
      expect([what, told && picked(told)]).toEqual([what, expected]);
    }
    expect(refused).toBeGreaterThan(count / 4);
    expect(refused).toBeLessThan((count * 3) / 4);
  });
});

function picked({ id, queue, type, payload, headers, maxRetry, retried, lastErr, group }: GoTaskInfo): object {
  return { id, queue, type, payload: payload ?? "", headers: headers ?? {}, maxRetry, retried, lastErr, group };
}

/** The same of what the reference reader reads; nothing where it refuses. */
function referenceTask(message: Uint8Array): object | undefined {
  try {
    const { values } = referenceRead(message, taskKind.schema, { stricter: false, looser: false });
    const {
      id = "",
      queue = "",
      type = "",
      payload = new Uint8Array(),
      headers = {},
      retry = 0,
      retried = 0,
      errorMsg = "",
      groupKey = "",
    } = values;
    return {
      id,
      queue,
      type,
      payload: Buffer.from(payload as Uint8Array).toString("base64"),
      headers: { ...(headers as object) },
      maxRetry: retry,
      retried,
      lastErr: errorMsg,
      group: groupKey,
    };
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
