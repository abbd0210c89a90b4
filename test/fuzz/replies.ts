import assert from "node:assert/strict";
import { type CommandResult, makeBroker, type RedisPort, type Reply } from "@asynqjs/core";
import { AsynqError, RedisError } from "@asynqjs/core/errors";
import { refusal } from "@asynqjs/core/redis/ioredis";
import { manualClock, seededRandom } from "@asynqjs/core/testing";
import type { Chance } from "./chance.ts";
import type { Target } from "./fuzz.ts";
import { operations } from "./operations.ts";
import { smallerBytes } from "./smaller.ts";

/**
 * What Redis, or who pretends to be it, answers the operations of asynqjs: each tells its caller what it says it tells, or throws an error of
 * ours. An input is the number of an operation, and its answers as JSON, in which text is bytes.
 */
export const replies: Target<Uint8Array> = {
  name: "replies",
  make(chance) {
    const nth = chance.below(operations.length);
    const answers = chance.pick(operations[nth]!.answers);
    let made: unknown[] = structuredClone(answers) as unknown[];
    if (!chance.oneIn(20)) for (let left = 1 + chance.small(2); left > 0; left--) made = alterList(chance, made);
    return Buffer.concat([Uint8Array.of(nth), Buffer.from(JSON.stringify(made), "latin1")]);
  },
  async check(input) {
    const { call, told } = operations[(input[0] ?? 0) % operations.length]!;
    const answers = read(input.subarray(1));
    if (answers === undefined) return "no answers";
    const broker = makeBroker({ redis: answering(answers), clock: manualClock(), random: seededRandom(1) });
    try {
      const wrong = told(await call(broker));
      assert(wrong === undefined, `told what ${wrong}`);
      return "told";
    } catch (error) {
      if (error instanceof AsynqError) return error.code;
      throw error;
    }
  },
  // The first says which operation it is.
  *smaller(input) {
    for (const rest of smallerBytes(input.subarray(1))) yield Buffer.concat([input.subarray(0, 1), rest]);
  },
  toLine: (input) => `${operations[(input[0] ?? 0) % operations.length]!.name}: ${Buffer.from(input.subarray(1)).toString("latin1")}`,
  fromLine(line) {
    const [name, ...rest] = line.split(": ");
    return Buffer.concat([
      Uint8Array.of(operations.findIndex((operation) => operation.name === name)),
      Buffer.from(rest.join(": "), "latin1"),
    ]);
  },
};

function read(json: Uint8Array): unknown[] | undefined {
  try {
    const answers: unknown = JSON.parse(Buffer.from(json).toString("latin1"));
    return Array.isArray(answers) && answers.length > 0 ? answers : undefined;
  } catch {
    return undefined;
  }
}

/** So often it answers; who then asks on asks for ever, and is told that there is no Redis. */
const patience = 30;

/** A port that answers these, one for each command, over and over. */
function answering(answers: readonly unknown[]): RedisPort {
  let at = 0;
  let sends = 0;
  return {
    features: async () => ({ codec: "raw", allowOom: true, cluster: false, waits: true }),
    async send(commands) {
      if (++sends > patience) throw new RedisError("asked on and on", { delivered: "no" });
      return commands.map(() => toResult(answers[at++ % answers.length]));
    },
    close: async () => {},
  };
}

function toResult(answer: unknown): CommandResult {
  if (typeof answer === "object" && answer !== null && !Array.isArray(answer)) return { error: refusal(String(Object.values(answer)[0])) };
  return { reply: toReply(answer) };
}

/** What JSON has and RESP has not is nil. */
function toReply(value: unknown): Reply {
  if (typeof value === "string") return new Uint8Array(Buffer.from(value, "latin1"));
  if (typeof value === "number") return value;
  return Array.isArray(value) ? value.map(toReply) : null;
}

function alterList(chance: Chance, values: readonly unknown[]): unknown[] {
  const at = chance.below(values.length + 1);
  const value = values[at];
  switch (chance.below(6)) {
    case 0:
      return values.toSpliced(at, 1);
    case 1:
      return values.toSpliced(at, 0, chance.oneIn(2) ? value : anyValue(chance));
    default:
      return at === values.length ? [...values] : values.with(at, alterValue(chance, value));
  }
}

function alterValue(chance: Chance, value: unknown): unknown {
  if (Array.isArray(value) && !chance.oneIn(6)) return alterList(chance, value);
  if (typeof value === "string" && !chance.oneIn(4)) return alterText(chance, value);
  if (typeof value === "number" && chance.oneIn(2)) return chance.pick([value + 1, -value, value + 0.5, String(value), value * 2 ** 53]);
  return anyValue(chance);
}

function alterText(chance: Chance, text: string): string {
  const at = chance.below(text.length + 1);
  const piece = chance.pick(["", "0", "1", "9", "x", ",", ";", ":", "-", ".", "e", "s", "\n", " ", "\u0000", "\u00ff", "9".repeat(20)]);
  return text.slice(0, at) + piece + text.slice(at + chance.below(2));
}

function anyValue(chance: Chance): unknown {
  switch (chance.below(8)) {
    case 0:
      return null;
    case 1:
      return chance.pick([0, 1, -1, 0.5, 2 ** 53, 1e300]);
    case 2:
      return [];
    case 3:
      return [anyValue(chance)];
    case 4:
      return { error: chance.pick(["ERR no", "WRONGTYPE no", "NOSCRIPT no", "STALECALL no", "LOADING no", "OOM no", "", "__proto__"]) };
    case 5:
      return Array.from({ length: chance.small(200) }, () => chance.pick(["a", null, 1, "1"]));
    default:
      return chance.pick([
        "",
        "OK",
        "a",
        "0",
        "1,1",
        "-1",
        "NaN",
        "Infinity",
        "1e400",
        "\u00ff\u00fe",
        "x".repeat(chance.small(2_000)),
        "0,0,0;0,0;",
      ]);
  }
}
