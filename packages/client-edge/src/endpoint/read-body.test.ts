import { manualClock } from "@asynqjs/core/testing";
import { describe, expect, test, vi } from "vitest";
import { readBody } from "./read-body.ts";

const bounds = { maxBodyBytes: 10, bodyTimeoutMs: 1_000, clock: manualClock() };

/** A body of which the test says when it goes on. */
function bodyInPieces(headers: Record<string, string> = {}) {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const cancel = vi.fn();
  const body = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started;
    },
    cancel,
  });
  const request = new Request("http://h/", { method: "POST", body, headers, duplex: "half" } as RequestInit);
  return { request, cancel, controller, send: (text: string) => controller.enqueue(Buffer.from(text)) };
}

describe("readBody", () => {
  test("reads pieces as one, and calls its timer off", async () => {
    const clock = manualClock();
    const { request, send, controller } = bodyInPieces();
    const reading = readBody(request, { ...bounds, clock });
    send("hello");
    send("");
    send("world");
    controller.close();

    expect(Buffer.from(await reading).toString()).toBe("helloworld");
    expect(clock.waiting).toBe(0);
  });

  test("keeps no piece, so that a body of single bytes weighs no more than its bytes", async () => {
    const piece = new Uint8Array(1);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (sent === 100) return controller.close();
          piece[0] = sent++;
          controller.enqueue(piece);
        },
      },
      { highWaterMark: 0 },
    );
    const request = new Request("http://h/", { method: "POST", body, duplex: "half" } as RequestInit);

    const read = await readBody(request, { ...bounds, maxBodyBytes: 100 });

    expect(Array.from(read)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(read.buffer.byteLength).toBe(100);
  });

  test("of a request without a body is empty", async () => {
    expect(await readBody(new Request("http://h/", { method: "POST" }), bounds)).toEqual(new Uint8Array());
  });

  test("stops where a body grows beyond what is allowed, whatever was announced, and takes no more of it", async () => {
    for (const headers of [{}, { "Content-Length": "3" }, { "Content-Length": "abc" }, { "Content-Length": "-1" }] as Record<
      string,
      string
    >[]) {
      const { request, send, cancel } = bodyInPieces(headers);
      const reading = readBody(request, bounds);
      send("12345");
      send("123456");

      await expect(reading).rejects.toMatchObject({ code: "BODY_TOO_LARGE" });
      expect(cancel).toHaveBeenCalledOnce();
    }
  });

  test("of a body announced as too large reads nothing", async () => {
    const { request } = bodyInPieces({ "Content-Length": "11" });
    await expect(readBody(request, bounds)).rejects.toMatchObject({ code: "BODY_TOO_LARGE" });
    expect(request.bodyUsed).toBe(false);
  });

  test("waits no longer than it may, however the body trickles", async () => {
    const clock = manualClock();
    const { request, send, cancel } = bodyInPieces();
    const reading = readBody(request, { ...bounds, clock });
    send("1");
    await clock.advance(999);
    send("2");
    await clock.advance(1);

    await expect(reading).rejects.toMatchObject({ code: "BODY_TIMEOUT", message: "the body did not arrive within 1000 ms" });
    expect(cancel).toHaveBeenCalledOnce();
  });

  test("says of a body that breaks off just that", async () => {
    const { request, send, controller } = bodyInPieces();
    const reading = readBody(request, bounds);
    send("1");
    controller.error(new Error("of a secret kind"));

    await expect(reading).rejects.toMatchObject({ code: "BODY_INCOMPLETE", message: "the body broke off" });
  });
});
