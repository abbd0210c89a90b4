import { RedisError } from "@asynqjs/core";
import { describe, expect, test } from "vitest";
import { tellError, tellFailures, tellReport } from "./tell-report.ts";

const refused = new RedisError("redis refused: WRONGTYPE", { delivered: "no", reply: "WRONGTYPE" });
const secret = Object.assign(new TypeError("password is hunter2"), { code: "ESECRET" });

describe("what is told of a report", () => {
  test("is one line of JSON, with code and message of our errors and the name alone of others", () => {
    const failed = [
      { tick: "forward", queue: "q", error: refused },
      { tick: "aggregate", queue: "q", group: "g", error: secret },
    ] as const;

    expect(JSON.parse(tellReport({ failed, more: false, requests: 3 }))).toEqual({
      failed: [
        { tick: "forward", queue: "q", error: { code: "REDIS", message: "redis refused: WRONGTYPE" } },
        { tick: "aggregate", queue: "q", group: "g", error: { message: "TypeError" } },
      ],
      more: false,
      requests: 3,
    });
  });

  test("names tick, queue and group of each failure in one line", () => {
    expect(
      tellFailures([
        { tick: "recover", error: refused },
        { tick: "aggregate", queue: "q", group: "g", error: secret },
      ]),
    ).toBe('recover failed: redis refused: WRONGTYPE; aggregate of queue "q", group "g" failed: TypeError');
  });

  test("bears what is no error", () => {
    expect([undefined, "text", {}].map(tellError)).toEqual([{ message: "failed" }, { message: "failed" }, { message: "failed" }]);
  });
});
