import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { CommandResult, RedisPort, Reply } from "@asynqjs/core";
import { RedisError } from "@asynqjs/core/errors";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { upstashRedis } from "@asynqjs/core/redis/upstash";
import { seededRandom } from "@asynqjs/core/testing";
import { Redis as UpstashRedis } from "@upstash/redis";
import { hastyClock, hastyTimeoutMs } from "../support/hasty-clock.ts";
import type { Chance } from "./chance.ts";
import type { Target } from "./fuzz.ts";
import { jsonValue, toBytes } from "./json-text.ts";
import { smallerBytes } from "./smaller.ts";

/** What an HTTP server answers a port that sent it some commands. */
interface Answer {
  readonly port: (typeof ports)[number];
  readonly commands: number;
  readonly status: number;
  readonly body: Uint8Array;
  /** Where the body breaks off, if it does. */
  readonly broken: boolean;
  readonly retryAfter: string;
}

const ports = ["fetch", "upstash"] as const;
const statuses = [200, 200, 200, 200, 201, 206, 301, 307, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 599] as const;
const waits = ["", "0", "1", "-1", "99999999999", "NaN", "1e400", "Wed, 21 Oct 2015 07:28:00 GMT", "__proto__", "5, 5"] as const;

const secret = "a-token-that-no-error-tells";
const payload = "a-payload-that-no-error-tells";

/**
 * Whatever a server answers the ports over HTTP, each command has a reply that is what was answered, or an error of ours that tells neither
 * token nor payload.
 */
export const answers: Target<Answer> = {
  name: "answers",
  make(chance) {
    const commands = chance.oneIn(4) ? 2 + chance.small(4) : 1;
    return {
      port: chance.pick(ports),
      commands,
      status: chance.oneIn(3) ? chance.pick(statuses) : 200,
      body: toBytes(chance, answerText(chance, commands)),
      broken: chance.oneIn(40),
      retryAfter: chance.oneIn(6) ? chance.pick(waits) : "",
    };
  },
  async check(answer) {
    const sent = Array.from({ length: answer.commands }, (_, i) => ["ECHO", `${payload}${i}`]);
    let results: readonly CommandResult[];
    try {
      results = await portTo(answer).send(sent);
    } catch (error) {
      checkError(error, answer);
      return "failed";
    }
    assert.equal(results.length, answer.commands, "another number of results than of commands");
    const wanted = answer.status >= 200 && answer.status < 300 ? readBody(answer.body) : undefined;
    for (const [i, { reply, error }] of results.entries()) {
      if (error !== undefined) checkError(error, answer);
      else {
        assert(wanted !== undefined && wanted.length === answer.commands, "a reply out of no answer");
        assert(isReply(reply), "a reply that is none");
        assert(wanted[i] === lenient || isDeepStrictEqual(reply, wanted[i]), "another reply than the answer");
      }
    }
    return results.some(({ error }) => error === undefined) ? "answered" : "refused";
  },
  *smaller(answer) {
    if (answer.commands > 1) yield { ...answer, commands: 1 };
    if (answer.status !== 200) yield { ...answer, status: 200 };
    if (answer.retryAfter !== "") yield { ...answer, retryAfter: "" };
    if (answer.broken) yield { ...answer, broken: false };
    for (const body of smallerBytes(answer.body)) yield { ...answer, body };
  },
  toLine: (answer) => JSON.stringify({ ...answer, body: Buffer.from(answer.body).toString("latin1") }),
  fromLine(line) {
    const answer = JSON.parse(line);
    return { ...answer, body: Buffer.from(answer.body, "latin1") };
  },
};

/** A port whose server gives that answer, however often it is asked. */
function portTo({ port, status, body, broken, retryAfter }: Answer): RedisPort {
  const headers: Record<string, string> = retryAfter === "" ? {} : { "Retry-After": retryAfter };
  const respond = async (): Promise<Response> => new Response(broken ? breaking(body) : new Uint8Array(body), { status, headers });
  const options = { clock: hastyClock(), random: seededRandom(1), timeoutMs: 1e7, tryTimeoutMs: hastyTimeoutMs, maxTries: 2 };
  if (port === "fetch") return fetchRedis({ url: "https://redis.example", token: secret, fetch: respond, ...options });
  const redis = upstashRedis(upstash, options);
  return {
    ...redis,
    // It has no other way to the network than the runtime's.
    async send(commands) {
      const { fetch } = globalThis;
      globalThis.fetch = respond;
      try {
        return await redis.send(commands);
      } finally {
        globalThis.fetch = fetch;
      }
    },
  };
}

const upstash = new UpstashRedis({ url: "https://redis.example", token: secret });

function breaking(body: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(body.slice(0, body.length / 2));
      controller.error(new Error(`cut after ${secret}`));
    },
  });
}

/** What a server says of itself may be told; what it repeats of us, as Redis does, may not. */
function checkError(error: unknown, { body }: Answer): void {
  assert(error instanceof RedisError, `an error that is none of ours: ${error}`);
  assert(error.delivered === "no" || error.delivered === "unknown", "an error that does not say what was delivered");
  if (readErrors(body).some(tells)) return;
  assert(!tells(error.message) && !tells(String(error)), "an error that tells");
}

const tells = (text: string): boolean => text.includes(secret) || text.includes(payload);

/** The error replies in a body, but for where Redis repeats arguments. */
function readErrors(body: Uint8Array): string[] {
  try {
    const parsed: unknown[] = [JSON.parse(new TextDecoder().decode(body))];
    return (parsed.flat() as { error?: unknown }[]).flatMap((each) =>
      typeof each?.error === "string" ? [each.error.split(", with args beginning with:")[0]!] : [],
    );
  } catch {
    return [];
  }
}

function isReply(reply: unknown): boolean {
  if (Array.isArray(reply)) return reply.every(isReply);
  return reply === null || typeof reply === "number" || reply instanceof Uint8Array;
}

/** Text that `atob` reads though no encoder writes it: bytes, and nobody says which. */
const lenient = Symbol("lenient");

/** The replies in a body; `undefined` where it is none that may be read. */
function readBody(body: Uint8Array): readonly (Reply | typeof lenient)[] | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body));
    if (!Array.isArray(parsed)) return undefined;
    return parsed.map((each) => {
      if (typeof each.error === "string") return null;
      const replies: (Reply | typeof lenient)[] = [toReply(each.result)].flat(20) as never;
      return replies.includes(lenient) ? lenient : toReply(each.result);
    }) as (Reply | typeof lenient)[];
  } catch {
    return undefined;
  }
}

/** @throws {Error} it is no reply */
function toReply(value: unknown): Reply | typeof lenient {
  if (value === null || typeof value === "number") return value;
  if (Array.isArray(value)) return value.map(toReply) as Reply;
  if (value === "OK") return new Uint8Array(Buffer.from("OK"));
  const isCanonical = typeof value === "string" && /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value);
  if (isCanonical) return new Uint8Array(Buffer.from(value, "base64"));
  if (typeof value === "string") return lenient;
  throw new Error("no reply");
}

/** Most often as many results as there are commands, each as a gateway gives it. */
function answerText(chance: Chance, commands: number): string {
  if (chance.oneIn(12))
    return chance.pick(["", "<html>", "OK", "null", "[]", "{}", '{"error":"ERR no"}', `{"error":"WRONGPASS ${secret}"}`, "[null]", "[[]]"]);
  const count = chance.oneIn(12) ? commands + chance.pick([-1, 1, 1000]) : commands;
  const results = Array.from({ length: count }, () => resultText(chance));
  return chance.oneIn(20) ? jsonValue(chance) : `[${results.join(",")}]`;
}

function resultText(chance: Chance): string {
  if (chance.oneIn(10))
    return `{"error":${JSON.stringify(chance.pick(["ERR no", "WRONGTYPE no", "LOADING", "OOM x", "", "x", `ERR unknown command, with args beginning with: '${payload}'`]))}}`;
  if (chance.oneIn(15)) return jsonValue(chance);
  const name = chance.oneIn(30) ? chance.pick(["results", "__proto__", "Result"]) : "result";
  return `{"${name}":${valueText(chance, 0)}}`;
}

function valueText(chance: Chance, depth: number): string {
  switch (chance.below(10)) {
    case 0:
      return chance.pick(["null", '"OK"', '""', '"T0s="']);
    case 1:
      return chance.pick(["0", "-1", "17", "9007199254740993", "1e400", "0.5"]);
    case 2:
      return depth > 4 ? "[]" : `[${Array.from({ length: chance.small(6) }, () => valueText(chance, depth + 1)).join(",")}]`;
    case 3:
      return chance.pick([
        '"abc"',
        '"a=bc"',
        '"===="',
        '"Y W I"',
        '"YWI="',
        '"YWJ="',
        '"\\u0000AAA"',
        '"é"',
        "true",
        "{}",
        '{"map":1}',
        '{"length":1}',
      ]);
    case 4:
      return chance.oneIn(500) ? "[".repeat(30_000) + "]".repeat(30_000) : '"YWJj"';
    default:
      return JSON.stringify(Buffer.from(chance.bytes(chance.small(60))).toString("base64"));
  }
}
