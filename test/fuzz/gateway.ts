import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { isDeepStrictEqual } from "node:util";
import { enqueueScript } from "@asynqjs/core";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { type Command, gatewayApp, openRedisLink, type RedisLink } from "@asynqjs/gateway";
import { Redis } from "ioredis";
import { startRedis } from "../support/redis-server.ts";
import type { Target } from "./fuzz.ts";
import { type GatewayRequest, makeRequest, neverSent, smallerRequest } from "./gateway-requests.ts";

/** A gateway to be fed, in front of a Redis of its own. */
export interface GatewayTarget extends Target<GatewayRequest> {
  /** Looks at what all that left. @throws {Error} who only enqueues left something else than tasks; or there is room for more than there should be */
  checkAfter(): Promise<void>;
  stop(): Promise<void>;
}

const bearers: Readonly<Record<GatewayRequest["token"], string | undefined>> = {
  full: "Bearer full",
  read: "Bearer read",
  enqueue: "Bearer enqueue",
  none: undefined,
  wrong: "Bearer fulll",
  garbled: "bearer\tfull",
  "in the query": undefined,
};

/** The statuses of a gateway whose Redis answers: 5xx is none of them. */
const statuses = [200, 400, 401, 403, 405, 408, 413, 429];

/** Starts it. What enqueues has a database of its own. */
export async function startGatewayTarget(): Promise<GatewayTarget> {
  const redis = await startRedis();
  const underWay = new AsyncLocalStorage<Command[]>();
  const links = [0, 1].map((db) => recording(openRedisLink(`${redis.url}/${db}`), underWay));
  const [link, enqueueLink] = links as [RedisLink, RedisLink];
  const app = gatewayApp({ link, tokens: ["full", { token: "read", role: "read" }], limits: { maxBufferedBytes: roomBytes } });
  const enqueueApp = gatewayApp({ link: enqueueLink, tokens: [{ token: "enqueue", role: "enqueue", queues: ["fuzz"] }] });
  await Promise.all(links.map(({ firstAttempt }) => firstAttempt));

  return {
    name: "gateway",
    make: makeRequest,
    smaller: smallerRequest,
    atOnce: 64,
    async check(given) {
      const request = toRequest(given);
      if (request === undefined) return "no URL";
      const sent: Command[] = [];
      const asked = Promise.resolve(underWay.run(sent, () => (given.token === "enqueue" ? enqueueApp : app).fetch(request)));
      const response = await within(asked);
      return checkAnswer(given, request, response, sent);
    },
    toLine: (request) =>
      JSON.stringify({ ...request, target: latin1(request.target), body: request.body === undefined ? undefined : latin1(request.body) }),
    fromLine(line) {
      const { target, body, ...rest } = JSON.parse(line);
      return { ...rest, target: Buffer.from(target, "latin1"), body: body === undefined ? undefined : Buffer.from(body, "latin1") };
    },
    async checkAfter() {
      await checkRoom(app);
      await checkKeyspace(`${redis.url}/1`);
    },
    async stop() {
      for (const each of links) each.close();
      await redis.stop();
    },
  };
}

/** Notes what each request sends. */
function recording(link: RedisLink, underWay: AsyncLocalStorage<Command[]>): RedisLink {
  return {
    ...link,
    send(commands, timeoutMs) {
      underWay.getStore()?.push(...commands);
      return link.send(commands, timeoutMs);
    },
  };
}

function toRequest({ method, token, target, body, length, format, encoding }: GatewayRequest): Request | undefined {
  const headers = new Headers();
  const bearer = bearers[token];
  if (bearer !== undefined) headers.set("Authorization", bearer);
  if (format !== "") headers.set("Upstash-Response-Format", format);
  if (encoding !== "") headers.set("Upstash-Encoding", encoding);
  if (body !== undefined && length !== "none") headers.set("Content-Length", length === "true" ? String(body.length) : length);
  try {
    return new Request(`http://gateway${latin1(target)}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
  } catch {
    return undefined;
  }
}

/** Longer than anything that the gateway itself waits for. */
const patienceMs = 30_000;

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function checkAnswer(given: GatewayRequest, request: Request, response: Response, sent: readonly Command[]): Promise<string> {
  const { status } = response;
  assert(statuses.includes(status), `status ${status}`);
  const type = response.headers.get("content-type");
  if (type === "text/event-stream") {
    await response.body?.cancel();
    return "stream";
  }
  const bytes = Buffer.from(await within(response.arrayBuffer()));
  checkSent(given, request, status, sent);
  const became = sent.length > 0 ? "sent" : `${status}`;
  if (given.method === "HEAD") {
    assert.equal(bytes.length, 0, "an answer to HEAD with a body");
    return became;
  }
  if (type === "application/octet-stream") {
    assert.equal(countResp2(bytes), countTold(given, request), "another number of replies than of commands");
    return became;
  }
  assert.equal(type, "application/json");
  const answer = JSON.parse(bytes.toString());
  const base64 = request.headers.get("upstash-encoding")?.toLowerCase() === "base64";
  if (Array.isArray(answer)) {
    for (const each of answer) checkOne(each);
    assert.equal(answer.length, countTold(given, request), "another number of replies than of commands");
  } else if (decode(new URL(request.url).pathname) !== "/health") checkOne(answer);
  if (status !== 200) assert(Object.hasOwn(answer, "error"), "a failure without a word");
  else if (!Array.isArray(answer) && sent.length === 1) checkEcho(sent[0]!, answer.result, base64);
  return became;
}

/** How many commands a request holds that is answered with replies. */
function countTold({ body }: GatewayRequest, request: Request): number {
  const path = decode(new URL(request.url).pathname);
  return path === "/pipeline" || path === "/multi-exec" ? JSON.parse(Buffer.from(body!).toString()).length : 1;
}

function checkOne(answer: unknown): void {
  const names = Object.keys(answer as object);
  assert(names.length === 1 && (names[0] === "result" || names[0] === "error"), "neither a result nor an error");
  if (names[0] === "error") assert.equal(typeof (answer as { error: unknown }).error, "string");
}

/** Redis answers the very bytes, so nothing of them was read as anything but an argument. */
function checkEcho([name, ...args]: Command, result: unknown, base64: boolean): void {
  if (name.toUpperCase() !== "ECHO" || args.length !== 1) return;
  const bytes = Buffer.from(args[0] as string);
  const wanted = base64 ? bytes.toString("base64") : bytes.toString();
  assert.equal(result, wanted, "not what was to be echoed");
}

const readers = /^(PING|ECHO|TIME|GET|TYPE|HGETALL|XREAD)$/;

/** What goes to Redis is what the request says, word by word, and what its bearer may. */
function checkSent({ token, method, body }: GatewayRequest, request: Request, status: number, sent: readonly Command[]): void {
  const { pathname, search } = new URL(request.url);
  if (pathname === "/health") return;
  const commands = sent.filter(([name], i) => !(sent[0]?.[0] === "MULTI" && (i === 0 || (i === sent.length - 1 && name === "EXEC"))));
  if (commands.length === 0) return;
  assert(status === 200 || status === 400, `sent, and answered ${status}`);
  for (const [name, ...args] of commands) {
    assert(!neverSent.includes(name.toUpperCase()), `sent ${name}`);
    if (token === "read") assert(readers.test(name.toUpperCase()), `sent ${name} for who only reads`);
    if (token === "enqueue") {
      assert(/^(PING|SADD|EVAL|EVALSHA)$/i.test(name), `sent ${name} for who only enqueues`);
      if (name.toUpperCase() === "EVAL") assert(args[0] === enqueueScript.text("json", false), "sent another script");
    }
  }
  assert(token !== "none" && token !== "wrong" && (token !== "in the query" || search.includes("_token=")), "sent for a stranger");
  if (["/", "/pipeline", "/multi-exec"].includes(decode(pathname))) checkBodyWords(body ?? Buffer.alloc(0), commands);
  else checkPathWords(request.url.slice("http://gateway".length), method === "GET" || method === "HEAD" ? undefined : body, commands);
}

/** Strings as they are; of anything else a text that reads as it. */
function checkBodyWords(body: Uint8Array, sent: readonly Command[]): void {
  const parsed: unknown = JSON.parse(Buffer.from(body).toString());
  assert(Array.isArray(parsed), "sent what is no array");
  const told: unknown[] = Array.isArray(parsed[0]) ? parsed : [parsed];
  // Of a pipeline those that are refused are not sent: the others keep their order.
  let from = 0;
  for (const command of sent) {
    const at = told.findIndex((words, i) => i >= from && isSameCommand(words, command));
    assert(at >= 0, `sent what was not told: ${JSON.stringify(command)}`);
    from = at + 1;
  }
}

function isSameCommand(words: unknown, command: Command): boolean {
  return (
    Array.isArray(words) &&
    words.length === command.length &&
    words.every((word, i) => (typeof word === "string" ? word === command[i] : isDeepStrictEqual(JSON.parse(command[i] as string), word)))
  );
}

/** Each segment, then the body, then the parameters, without what encodes them. */
function checkPathWords(target: string, body: Uint8Array | undefined, sent: readonly Command[]): void {
  assert.equal(sent.length, 1);
  const [path, query] = /^([^?]*)\??(.*)$/s.exec(target)!.slice(1) as [string, string];
  const parameters = query
    .split("&")
    .filter((parameter) => parameter !== "")
    .map((parameter) => /^([^=]*)(=?)(.*)$/s.exec(parameter.replaceAll("+", " "))!.slice(1) as [string, string, string])
    .filter(([name]) => percentDecoded(name).toString() !== "_token")
    .flatMap(([name, equals, value]) => (equals === "" ? [name] : [name, value]));
  const words = [
    ...path.slice(1).split("/").map(percentDecoded),
    ...(body === undefined || body.length === 0 ? [] : [Buffer.from(body)]),
    ...parameters.map(percentDecoded),
  ];
  assert(
    isDeepStrictEqual(
      sent[0]!.map((word) => Buffer.from(word as string)),
      words,
    ),
    `sent ${JSON.stringify(sent[0])} for ${target}`,
  );
}

function percentDecoded(text: string): Buffer {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "%") {
      bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(...Buffer.from(text[at]!));
  }
  return Buffer.from(bytes);
}

function decode(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** Reads RESP2 by recursion. @throws {Error} it is none, or goes on */
function countResp2(bytes: Buffer): number {
  let at = 0;
  const skip = (): void => {
    const end = bytes.indexOf("\r\n", at);
    assert(end > at, "no RESP2");
    const [sign, text] = [String.fromCharCode(bytes[at]!), bytes.toString("latin1", at + 1, end)];
    at = end + 2;
    if (sign === "*") for (let left = Number(text); left > 0; left--) skip();
    else if (sign === "$") at += text === "-1" ? 0 : Number(text) + 2;
    else assert("+-:".includes(sign), "no RESP2");
  };
  let count = 0;
  for (; at < bytes.length; count++) skip();
  assert.equal(at, bytes.length, "RESP2 that ends early");
  return count;
}

/** For all bodies together: enough for those under way. */
const roomBytes = 64 * 1024 * 1024;

/** What was lent for bodies was given back, no less and no more. */
async function checkRoom(app: ReturnType<typeof gatewayApp>): Promise<void> {
  const held: ReadableStreamDefaultController<Uint8Array>[] = [];
  const ask = (bytes: number): Promise<Response> => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void held.push(controller) });
    const headers = { Authorization: "Bearer full", "Content-Length": String(bytes) };
    return Promise.resolve(app.fetch(new Request("http://gateway/", { method: "POST", headers, body, duplex: "half" } as RequestInit)));
  };
  const pieces = 8;
  const all = Array.from({ length: pieces }, () => ask(roomBytes / pieces));
  assert.equal((await ask(1)).status, 429, "more room than there is");
  for (const controller of held.slice(0, pieces)) {
    controller.enqueue(Buffer.from('["PING"]'));
    controller.close();
  }
  for (const response of await Promise.all(all)) assert.equal(response.status, 200, "less room than there is");
}

/** Whoever only enqueues to `fuzz` reaches nothing but its keys, and stores no message that leads elsewhere. */
async function checkKeyspace(url: string): Promise<void> {
  const client = new Redis(url, { protocol: 2 });
  try {
    const keys = await client.keys("*");
    for (const key of keys) assert(key === "asynq:queues" || key.startsWith("asynq:{fuzz}:"), `left ${key}`);
    assert.deepEqual(await client.smembers("asynq:queues"), ["fuzz"]);
    const tasks = keys.filter((key) => key.startsWith("asynq:{fuzz}:t:"));
    assert(tasks.length > 0, "enqueued nothing");
    for (const key of tasks) {
      const { queue, id } = decodeTaskMessage((await client.hgetBuffer(key, "msg"))!, key);
      assert.deepEqual([queue, `asynq:{fuzz}:t:${id}`], ["fuzz", key]);
    }
  } finally {
    client.disconnect();
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
