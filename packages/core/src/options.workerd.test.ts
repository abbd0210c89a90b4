import { describe, expect, test } from "vitest";
import { systemClock, systemRandom } from "./clock.ts";
import { composeTask } from "./options.ts";
import { Task } from "./task.ts";

describe("composeTask in workerd", () => {
  test("runs in workerd, not in Node", () => {
    expect(navigator.userAgent).toBe("Cloudflare-Workers");
  });

  test("makes a message with Asynq's defaults and a random id from the Worker's own clock and chance", () => {
    const { message, state } = composeTask(new Task("email:send", { to: "someone" }), {}, { clock: systemClock, random: systemRandom });

    expect(state).toBe("pending");
    expect(message).toMatchObject({ type: "email:send", queue: "default", retry: 25, retried: 0, timeoutSec: 1800 });
    expect(message.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new TextDecoder().decode(message.payload)).toBe('{"to":"someone"}');
  });

  test("makes the same unique key as Node, whose MD5 Web Crypto does not have", () => {
    const { message } = composeTask(
      new Task("email:send", { to: "someone" }),
      { uniqueTtlSec: 60 },
      { clock: systemClock, random: systemRandom },
    );

    expect(message.uniqueKey).toBe("asynq:{default}:unique:email:send:3efabcf6952804d1873cc298eceffad5");
  });
});
