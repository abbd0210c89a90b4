/**
 * Requests to a gateway, most of them such as no client of ours would send.
 * @module
 */
import { composeTask, type EnqueueOptions, enqueue, enqueueScript, makeBroker, type RedisPort, Task } from "@asynqjs/core";
import { manualClock, seededRandom } from "@asynqjs/core/testing";
import type { Chance } from "./chance.ts";
import { jsonArray, jsonString, jsonValue, toBytes } from "./json-text.ts";
import { smallerBytes } from "./smaller.ts";

/** A request, without what an HTTP library makes of it. */
export interface GatewayRequest {
  readonly method: string;
  /** Which token it carries, and how; `none` is none. */
  readonly token: (typeof tokens)[number];
  /** Path and query, one byte a character. */
  readonly target: Uint8Array;
  readonly body: Uint8Array | undefined;
  /** What it announces of the length of its body; `true` is the truth, `none` nothing. */
  readonly length: (typeof lengths)[number];
  readonly format: (typeof formats)[number];
  readonly encoding: (typeof encodings)[number];
}

const methods = ["POST", "PUT", "GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "QUERY"] as const;
const tokens = ["full", "read", "enqueue", "none", "wrong", "garbled", "in the query"] as const;
const lengths = ["true", "none", "0", "-1", "1e1", "abc", "99999999999", "9007199254740993", "3, 3"] as const;
const formats = ["", "json", "resp2", "RESP2", "resp3", "__proto__"] as const;
const encodings = ["", "base64", "BASE64", "gzip"] as const;

/** The same with less of what is unusual, a shorter target or a shorter body. */
export function* smallerRequest(request: GatewayRequest): Iterable<GatewayRequest> {
  const usual = { method: "POST", token: "full", length: "true", format: "", encoding: "" } as const;
  for (const [name, value] of Object.entries(usual)) if (request[name as keyof typeof usual] !== value) yield { ...request, [name]: value };
  if (request.body !== undefined) yield { ...request, body: undefined };
  for (const target of smallerBytes(request.target)) yield { ...request, target };
  for (const body of smallerBytes(request.body ?? new Uint8Array())) yield { ...request, body };
}

export function makeRequest(chance: Chance): GatewayRequest {
  const token = chance.oneIn(3) ? chance.pick([...tokens, "enqueue", "enqueue", "read"] as const) : "full";
  const isPath = chance.oneIn(4);
  const method = chance.oneIn(15) ? chance.pick(methods) : isPath && chance.oneIn(2) ? "GET" : "POST";
  const path = isPath ? commandPath(chance) : chance.pick(["/", "/", "/pipeline", "/pipeline", "/multi-exec"]);
  const target = `${path}${token === "in the query" ? `${path.includes("?") ? "&" : "?"}_token=full` : ""}`;
  const hasBody = method !== "GET" && method !== "HEAD" && !(isPath && chance.oneIn(2));
  return {
    method,
    token,
    target: Buffer.from(target, "latin1"),
    body: hasBody ? body(chance, token, path) : undefined,
    length: chance.oneIn(50) ? chance.pick(lengths) : chance.oneIn(8) ? "none" : "true",
    format: chance.oneIn(10) ? chance.pick(formats) : "",
    encoding: chance.oneIn(3) ? chance.pick(encodings) : "",
  };
}

function body(chance: Chance, token: GatewayRequest["token"], path: string): Uint8Array {
  if (chance.oneIn(30)) return chance.bytes(chance.small(300));
  if (chance.oneIn(12)) return toBytes(chance, jsonValue(chance));
  const one = (): string => (token === "enqueue" ? enqueueCommand(chance) : command(chance));
  if (path === "/") return toBytes(chance, one());
  const count = chance.oneIn(400) ? chance.pick([999, 1_000, 1_001]) : chance.oneIn(15) ? 0 : 1 + chance.small(5);
  return toBytes(chance, jsonArray(Array.from({ length: count }, one), chance));
}

/** Those that the gateway serves, in every case; and with arguments that cost Redis no more than a look. */
const served = [
  "ECHO",
  "ECHO",
  "echo",
  "SET",
  "GET",
  "PING",
  "HSET",
  "HGETALL",
  "LPUSH",
  "EVAL",
  "EVALSHA",
  "SCAN",
  "XREAD",
  "COPY",
  "TYPE",
  "DEL",
];
/** Those that it must never send. */
export const neverSent: readonly string[] = [
  ...[
    "SHUTDOWN",
    "DEBUG",
    "CONFIG",
    "MONITOR",
    "SUBSCRIBE",
    "MULTI",
    "EXEC",
    "WATCH",
    "CLIENT",
    "SELECT",
    "MOVE",
    "SWAPDB",
    "AUTH",
    "HELLO",
  ],
  ...[
    "BLPOP",
    "BRPOP",
    "BLMOVE",
    "BZPOPMIN",
    "WAIT",
    "QUIT",
    "RESET",
    "REPLICAOF",
    "ACL",
    "MODULE",
    "SAVE",
    "BGSAVE",
    "PSYNC",
    "POST",
    "HOST:",
  ],
];

function command(chance: Chance): string {
  const name = chance.oneIn(15) ? chance.pick(neverSent) : chance.oneIn(20) ? undefined : chance.pick(served);
  const cased = name === undefined || !chance.oneIn(4) ? name : name.toLowerCase();
  const args = Array.from({ length: name?.toUpperCase() === "ECHO" ? 1 : chance.small(6) }, () =>
    chance.oneIn(4) ? jsonValue(chance) : jsonString(chance),
  );
  return jsonArray([cased === undefined ? jsonValue(chance) : JSON.stringify(cased), ...args], chance);
}

/** A call of the enqueue script, or what belongs to it; of many a word is another. */
function enqueueCommand(chance: Chance): string {
  // Of a call that was answered before, the answer is repeated.
  const words = chance.pick(enqueueCommands).map((word) => word.replace(/(?<=:js:call:.*:)0$/, String(chance.below(1_000))));
  if (chance.oneIn(2)) {
    const at = chance.below(words.length);
    const word = words[at]!;
    const cut = chance.below(word.length + 1);
    words[at] = chance.pick([
      () => "",
      () => word.slice(0, cut) + chance.pick(["0", "}", "other", "\u0000", ":", "-", "é", " "]) + word.slice(cut + chance.below(2)),
      () => word.replace("{fuzz}", "{other}"),
      () => chance.pick(words),
      () => String(chance.below(10)),
    ])();
  }
  if (chance.oneIn(20)) words.splice(chance.below(words.length), 1);
  return JSON.stringify(words);
}

/** Segments and parameters, with what a URL encodes, or should. */
function commandPath(chance: Chance): string {
  const pieces = [
    "a",
    "fuzz",
    "%00",
    "%ff",
    "%C3%A9",
    "%c3",
    "%",
    "%4",
    "%zz",
    "%2f",
    "%2e%2e",
    "..",
    ".",
    "+",
    "%20",
    "%25",
    "\u00e9",
    "\u00ff",
    "'",
    "{",
    "\\",
    ";",
  ];
  const word = (): string => Array.from({ length: chance.small(4) }, () => chance.pick(pieces)).join("");
  const name = chance.pick([
    ...served,
    ...served,
    ...neverSent,
    "",
    "health",
    "subscribe",
    "psubscribe",
    "pipeline",
    "multi-exec",
    "__proto__",
    "%65cho",
  ]);
  const segments = Array.from({ length: name.toLowerCase() === "echo" ? 1 : chance.small(5) }, word);
  const parameters = chance.oneIn(3)
    ? `?${Array.from({ length: chance.small(4) }, () => chance.pick(["EX=1", "a", "=", "NX", "a=%ff", "&", "_token=x", "BLOCK=0", "%"])).join("&")}`
    : "";
  return `${chance.oneIn(50) ? "/" : ""}/${[name, ...segments].join("/")}${parameters}`;
}

/** What clients of ours send to enqueue: scripts by hash and by text, and the name of their queue. */
const enqueueCommands: readonly (readonly string[])[] = await recordEnqueues();

async function recordEnqueues(): Promise<string[][]> {
  const sent: string[][] = [];
  const redis: RedisPort = {
    features: async () => ({ codec: "json", allowOom: false, cluster: true, waits: false }),
    async send(commands) {
      sent.push(...commands.map((words) => words.map(String)));
      return commands.map(() => ({ reply: Buffer.from("e") }));
    },
    close: async () => {},
  };
  const clock = manualClock(Date.UTC(2040, 0, 2, 3, 4, 5));
  const random = seededRandom(7);
  const options: EnqueueOptions[] = [
    {},
    { processAt: new Date(clock.nowMs() + 60_000) },
    { uniqueTtlSec: 60 },
    { group: "g" },
    { headers: { trace: "1" }, retentionSec: 60, maxRetry: 3 },
  ];
  for (const some of options) {
    const broker = makeBroker({ redis, clock, random });
    await enqueue(broker, [composeTask(new Task("email:send", { to: "é" }), { queue: "fuzz", ...some }, { clock, random })]);
  }
  const byText = sent.flatMap(([name, _, ...words]) => (name === "EVALSHA" ? [["EVAL", enqueueScript.text("json", false), ...words]] : []));
  return [...sent, ...byText, ["PING"]];
}
