import { createHash, createHmac } from "node:crypto";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { vi } from "vitest";
import { callers, describe, expect, otherSecret, secret, test, url } from "../../../../test/support/endpoint-test.ts";
import { defineTask, Task } from "../index.ts";
import { signEnqueueRequest } from "../sign.ts";

const ids = { taskIdPrefix: "shop:" };
const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);

describe("signEnqueueRequest", () => {
  test("makes a request that the endpoint takes: tasks, typed ones, options, any bytes", async ({ endpoint, clock, redis }) => {
    const welcome = defineTask<{ to: string }>("email:welcome");
    const request = await signEnqueueRequest(
      url,
      [
        welcome({ to: "ada" }),
        { task: new Task("image:resize", bytes, { queue: "mail-a", maxRetry: 3 }), options: { maxRetry: 4, taskId: "shop:2" } },
        new Task("email:x", undefined, { taskId: "shop:3", processAt: new Date(clock.nowMs() + 60_000) }),
        new Task("email:x", "\ufeffgrüße 🎉", { taskId: "shop:4" }),
      ],
      { secret, clock, ...ids },
    );

    const { status, body } = await endpoint().fetch(request);

    expect(status).toBe(202);
    expect(body.results.map(({ taskId, queue, state }) => [taskId, queue, state])).toEqual([
      [expect.stringMatching(/^shop:[0-9a-f-]{36}$/), "default", "pending"],
      ["shop:2", "mail-a", "pending"],
      ["shop:3", "default", "scheduled"],
      ["shop:4", "default", "pending"],
    ]);
    const stored = async (queue: string, id: string) => decodeTaskMessage((await redis.hgetBuffer(`asynq:{${queue}}:t:${id}`, "msg"))!, id);
    expect(Buffer.from((await stored("default", body.results[0]!.taskId)).payload!).toString()).toBe('{"to":"ada"}');
    expect(await stored("mail-a", "shop:2")).toMatchObject({ payload: bytes, retry: 4 });
    expect(Buffer.from((await stored("default", "shop:4")).payload!).toString()).toBe("\ufeffgrüße 🎉");
  });

  test("signs as any HMAC-SHA-256 does, and never sends the secret", async ({ clock }) => {
    const request = await signEnqueueRequest(url, new Task("email:x", "text", { taskId: "shop:1" }), { secret, clock });

    const body = await request.text();
    const timestamp = `${clock.nowMs() / 1000}`;
    const signed = `v1.${timestamp}.${createHash("sha256").update(body).digest("hex")}`;
    expect(Object.fromEntries(request.headers)).toEqual({
      "content-type": "application/json",
      "asynqjs-timestamp": timestamp,
      "asynqjs-signature": `v1=${createHmac("sha256", secret).update(signed).digest("hex")}`,
    });
    expect(JSON.parse(body)).toEqual({ type: "email:x", payload: "text", options: { taskId: "shop:1" } });
  });

  test("makes a request that may be sent again: one task, as long as the first is in the queue", async ({ endpoint, clock, redis }) => {
    const { fetch } = endpoint();
    const request = await signEnqueueRequest(url, new Task("email:x"), { secret, clock, ...ids });
    const again = request.clone();

    const [first, second] = [await fetch(request), await fetch(again)];

    expect([first.status, second.status, second.body.verdict]).toEqual([202, 409, "task-id-conflict"]);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual([first.body.taskId]);
  });

  test.for([
    [-301_000, 401],
    [-300_000, 202],
    [0, 202],
    [300_000, 202],
    [301_000, 401],
    [86_400_000, 401],
  ] as const)("makes one that %i ms later is answered %i", async ([ms, expected], { endpoint, clock, redis }) => {
    const request = await signEnqueueRequest(url, new Task("email:x"), { secret, clock, ...ids });
    clock.jump(ms);

    const { status, body } = await endpoint().fetch(request);

    expect([status, body.error?.code]).toEqual([expected, expected === 401 ? "TIMESTAMP_OUT_OF_WINDOW" : undefined]);
    expect(await redis.llen("asynq:{default}:pending")).toBe(expected === 401 ? 0 : 1);
  });

  test("is known by each secret while one is replaced by the other", async ({ endpoint, clock }) => {
    const newSecret = "the-secret-of-tomorrow";
    const rotating = endpoint({ callers: [{ ...callers[0], secrets: [newSecret, secret, undefined] }] });
    const rotated = endpoint({ callers: [{ ...callers[0], secrets: [newSecret] }] });
    const statuses = [];
    for (const { fetch } of [rotating, rotated])
      for (const signedBy of [secret, newSecret])
        statuses.push((await fetch(await signEnqueueRequest(url, new Task("email:x"), { secret: signedBy, clock, ...ids }))).status);

    expect(statuses).toEqual([202, 202, 401, 202]);
  });

  test.for<[string, (headers: Headers, body: string) => unknown]>([
    ["another body", (_, body) => body.replace("email:x", "email:y")],
    ["a byte more", (_, body) => `${body} `],
    ["no body", () => ""],
    ["another time", (headers) => headers.set("Asynqjs-Timestamp", `${Number(headers.get("Asynqjs-Timestamp")) + 1}`)],
    ["the time in other digits", (headers) => headers.set("Asynqjs-Timestamp", `0${headers.get("Asynqjs-Timestamp")}`)],
    ["a time that is none", (headers) => headers.set("Asynqjs-Timestamp", "1e9")],
    ["a time that is not there", (headers) => headers.delete("Asynqjs-Timestamp")],
    ["the time twice", (headers) => headers.append("Asynqjs-Timestamp", headers.get("Asynqjs-Timestamp")!)],
    ["the signature twice", (headers) => headers.append("Asynqjs-Signature", headers.get("Asynqjs-Signature")!)],
    ["an empty signature", (headers) => headers.set("Asynqjs-Signature", "")],
    ["no version", (headers) => headers.set("Asynqjs-Signature", headers.get("Asynqjs-Signature")!.slice(3))],
    ["half of the signature", (headers) => headers.set("Asynqjs-Signature", headers.get("Asynqjs-Signature")!.slice(0, 35))],
    ["the signature in capitals", (headers) => headers.set("Asynqjs-Signature", headers.get("Asynqjs-Signature")!.toUpperCase())],
    ["the secret as signature", (headers) => headers.set("Asynqjs-Signature", secret)],
    [
      "a wrong signature beside a token that is right",
      (headers) => {
        headers.set("Authorization", `Bearer ${secret}`);
        headers.set("Asynqjs-Signature", `v1=${"0".repeat(64)}`);
      },
    ],
  ])("with %s is refused", async ([, change], { endpoint, clock, redis }) => {
    const request = await signEnqueueRequest(url, new Task("email:x"), { secret, clock, ...ids });
    const signed = await request.text();
    const headers = new Headers(request.headers);
    const changed = change(headers, signed);
    const body = typeof changed === "string" ? changed : signed;

    const answer = await endpoint().fetch(new Request(url, { method: "POST", headers, body }));

    expect([answer.status, answer.body.error.code]).toEqual([401, "UNAUTHORIZED"]);
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(await redis.keys("*")).toEqual([]);
  });

  test.for([
    ["the right token", `Bearer ${secret}`, 202],
    ["the other's token", `Bearer ${otherSecret}`, 403],
    ["a beginning of it", `Bearer ${secret.slice(0, -1)}`, 401],
    ["more than it", `Bearer ${secret}x`, 401],
    ["another scheme", `Basic ${secret}`, 401],
    ["no scheme", secret, 401],
    ["no token", "Bearer ", 401],
    ["nothing", "", 401],
  ] as const)(
    "%s is compared with every secret, as digests, before a byte of the body is read",
    async ([, authorization, expected], { endpoint }) => {
      const digest = vi.spyOn(crypto.subtle, "digest");
      const request = new Request(url, {
        method: "POST",
        headers: { Authorization: authorization, "Content-Type": "application/json" },
        body: JSON.stringify({ type: "email:x" }),
      });

      const { status } = await endpoint().fetch(request);

      const compared = digest.mock.calls.length;
      digest.mockRestore();
      expect(status).toBe(expected);
      expect(request.bodyUsed).toBe(expected !== 401);
      // Two secrets, each with what was shown.
      expect(compared).toBe(/^Bearer +\S/.test(authorization) ? 4 : 0);
    },
  );

  test.for([
    [{ secret: "too-short" }, new Task("a"), "secret"],
    [{ secret: undefined as never }, new Task("a"), "secret"],
    [{ secret }, [], "items"],
    [{ secret }, "a" as never, "items"],
  ] as const)("refuses %o with %o: %s", async ([options, items, option]) => {
    await expect(signEnqueueRequest(url, items, options)).rejects.toMatchObject({ code: "INVALID_OPTION", option });
  });
});
