import { once } from "node:events";
import { connect } from "node:net";
import { onTestFinished, vi } from "vitest";
import { expect, send, test, token } from "../test/gateway-test.ts";
import { resolveLimits } from "./limits.ts";
import { makeBodyReader } from "./read-body.ts";
import { startGateway } from "./start.ts";

const room = (limits: Parameters<typeof resolveLimits>[0]) => {
  const armed: (() => void)[] = [];
  const read = makeBodyReader(resolveLimits(limits), (afterMs, callback) => {
    expect(afterMs).toBe(limits?.bodyTimeoutMs ?? 10_000);
    armed.push(callback);
    return () => void armed.splice(armed.indexOf(callback), 1);
  });
  return { read, armed };
};

const post = (body: string | ReadableStream<Uint8Array>, headers: Record<string, string> = {}) =>
  new Request("http://h/", { method: "POST", body, headers, duplex: "half" } as RequestInit);

/** A body of which the test says when it goes on. */
function bodyInPieces() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const cancel = vi.fn();
  const stream = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started;
    },
    cancel,
  });
  const send = (text: string) => controller.enqueue(Buffer.from(text));
  return { stream, send, end: () => controller.close(), fail: () => controller.error(new Error("gone")), cancel };
}

test("a body in pieces is one, and its timer is called off", async () => {
  const { read, armed } = room({});
  const body = bodyInPieces();
  const reading = read(post(body.stream), async (bytes) => bytes.toString());
  body.send("he");
  body.send("llo");
  body.end();

  expect(await reading).toBe("hello");
  expect(armed).toEqual([]);
});

test("a body that does not arrive in time is 408, announced or not", async () => {
  for (const headers of [{}, { "Content-Length": "10" }]) {
    const { read, armed } = room({ bodyTimeoutMs: 77 });
    const body = bodyInPieces();
    const reading = read(post(body.stream, headers), async () => "read");
    body.send("x");

    expect(armed).toHaveLength(1);
    armed[0]!();

    await expect(reading).rejects.toMatchObject({ status: 408, message: "ERR the request body did not arrive within 77 ms" });
    // One that is announced is read in one piece; what is left of it goes with the connection.
    if (!("Content-Length" in headers)) expect(body.cancel).toHaveBeenCalled();
  }
});

test("a client that breaks off is nobody's fault here", async () => {
  const { read } = room({});
  const body = bodyInPieces();
  const reading = read(post(body.stream), async () => "read");
  body.send("x");
  body.fail();

  await expect(reading).rejects.toMatchObject({ status: 400, message: "ERR the request body broke off" });
});

test("bodies are held until they are answered, and one too many is 429, with its bytes given back", async () => {
  const { read } = room({ maxBufferedBytes: 10 });
  const answers: (() => void)[] = [];
  const held = (text: string, headers?: Record<string, string>) =>
    read(post(text, headers), () => new Promise<string>((resolve) => answers.push(() => resolve("answered"))));
  const [first, second] = [held("12345"), held("12345", { "Content-Length": "5" })];
  await expect.poll(() => answers.length).toBe(2);

  for (const headers of [{}, { "Content-Length": "1" }]) {
    await expect(held("1", headers)).rejects.toMatchObject({ status: 429, message: "ERR too many bytes in flight; try again" });
  }
  answers[0]!();
  expect(await first).toBe("answered");
  const third = held("12345");
  await expect.poll(() => answers.length).toBe(3);
  answers[1]!();
  answers[2]!();
  expect([await second, await third]).toEqual(["answered", "answered"]);
});

test("a length that is none is no reason to hold more than there is room for", async () => {
  const { read } = room({ maxBufferedBytes: 10 });
  for (const length of ["abc", "-5", "1e1", "5, 5", " "])
    expect(await read(post("12345", { "Content-Length": length }), async (body) => body.toString())).toBe("12345");

  await expect(read(post("12345678901"), async () => "read")).rejects.toMatchObject({ status: 429 });
});

test("a client that stops in its body is answered 408 and cut off, while others are served; one that leaves is not told of", async ({
  redisUrl,
}) => {
  const lines: string[] = [];
  const options = { redis: redisUrl, tokens: [token], port: 0, log: (_: string, text: string) => void lines.push(text) };
  const [hasty, patient] = [await startGateway({ ...options, limits: { bodyTimeoutMs: 1 } }), await startGateway(options)];
  onTestFinished(() => Promise.all([hasty.close(), patient.close()]).then(() => {}));
  const head = `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n`;
  for (const rest of ['Content-Length: 100\r\n\r\n["PI', 'Transfer-Encoding: chunked\r\n\r\n4\r\n["PI\r\n']) {
    const slow = connect(hasty.port, "127.0.0.1");
    slow.write(head + rest);
    const chunks: Buffer[] = [];
    for await (const chunk of slow) chunks.push(chunk);

    expect(Buffer.concat(chunks).toString()).toMatch(
      /^HTTP\/1.1 408 .*^connection: close.*"ERR the request body did not arrive within 1 ms"/ims,
    );

    const leaving = connect(patient.port, "127.0.0.1");
    leaving.write(head + rest);
    await once(leaving, "connect");
    leaving.destroy();
    expect(await send(patient.url, "/", '["PING"]')).toEqual([200, { result: "PONG" }]);
  }
  expect(lines).toEqual([]);
});
