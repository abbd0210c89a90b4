import { type Command, maxCommandParts } from "./command.ts";
import { Refusal } from "./errors.ts";

/**
 * Reads the body of `POST /`: `["SET", "key", "value", "EX", 100]`.
 *
 * A string is an argument as it is; everything else is its JSON text (`100`, `true`, `null`, `{"a":1}`), as @upstash/redis writes it.
 *
 * @throws {Refusal} 400: it is no such array.
 */
export function parseCommand(body: Buffer): Command {
  const refusal = "ERR failed to parse command";
  const parsed = parse(body, refusal);
  if (!Array.isArray(parsed)) throw new Refusal(400, refusal);
  if (parsed.length === 0) throw new Refusal(400, "ERR empty command");
  return toCommand(parsed, refusal);
}

/** The two endpoints that take several commands, as Upstash's error texts call them. */
export type BatchKind = "pipeline" | "transaction";

/**
 * Reads the body of `POST /pipeline` or `POST /multi-exec`: an array of one to `maxCommands` commands.
 *
 * @throws {Refusal} 400: it is no such array, or too long.
 */
export function parseCommands(body: Buffer, kind: BatchKind, maxCommands: number): Command[] {
  const refusal = `ERR failed to parse ${kind} request`;
  const parsed = parse(body, refusal);
  if (!Array.isArray(parsed) || !parsed.every((command) => Array.isArray(command))) throw new Refusal(400, refusal);
  if (parsed.length === 0) throw new Refusal(400, `ERR empty ${kind} request`);
  if (parsed.length > maxCommands) {
    throw new Refusal(400, `ERR max ${kind} length exceeded. Limit: ${maxCommands} commands, Actual: ${parsed.length} commands`);
  }
  if (parsed.some((command) => command.length === 0)) throw new Refusal(400, `ERR empty ${kind} command`);
  return parsed.map((command) => toCommand(command, refusal));
}

function parse(body: Buffer, refusal: string): unknown {
  if (isTooMuch(body)) throw new Refusal(400, refusal);
  try {
    const text = body.toString("utf8");
    const parsed: unknown = JSON.parse(text);
    return hasInexactNumber(parsed) ? JSON.parse(text, keepDigits) : parsed;
  } catch {
    throw new Refusal(400, refusal);
  }
}

function toCommand(parts: readonly unknown[], refusal: string): Command {
  const [name, ...args] = parts;
  if (typeof name !== "string" || parts.length > maxCommandParts) throw new Refusal(400, refusal);
  return [name, ...args.map((arg) => (typeof arg === "string" ? arg : JSON.stringify(arg)))];
}

/** Arrays and objects within each other. A command in a pipeline takes two, and an argument that is no string seldom more than a few. */
const maxDepth = 128;

/** Of all commands of a request together: what Redis takes of one. */
const maxValues = maxCommandParts;

/**
 * Looks at brackets and commas only. JSON.parse takes nearly two seconds for ten megabytes of nested brackets, in which nobody else is
 * served, and what comes after it recurses; of ten megabytes of `{},` it makes two hundred in memory.
 */
function isTooMuch(json: Buffer): boolean {
  let depth = 0;
  let values = 1;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === quote) i = endOfString(json, i);
    else if (byte === comma) values += 1;
    else if (byte === openBracket || byte === openBrace) depth += 1;
    else if (byte === closeBracket || byte === closeBrace) depth -= 1;
    if (depth > maxDepth || values > maxValues) return true;
  }
  return false;
}

/** Where the string that begins at `start` ends. Jumps from quote to quote; a quote after an odd number of backslashes belongs to it. */
function endOfString(json: Buffer, start: number): number {
  for (let end = json.indexOf(quote, start + 1); end >= 0; end = json.indexOf(quote, end + 1)) {
    let before = end;
    while (json[before - 1] === backslash) before -= 1;
    if ((end - before) % 2 === 0) return end;
  }
  return json.length;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Whether a number may read otherwise than it was written, such as 9007199254740993, 1.10 or -0. */
function hasInexactNumber(value: unknown): boolean {
  if (typeof value === "number") return !Number.isSafeInteger(value) || Object.is(value, -0);
  if (typeof value !== "object" || value === null) return false;
  return (Array.isArray(value) ? value : Object.values(value)).some(hasInexactNumber);
}

/** JSON text access of ES2025; Node 20 lacks it and rounds such numbers as any JavaScript client would. */
interface JsonWithText {
  rawJSON?(text: string): unknown;
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const { rawJSON } = JSON as JsonWithText;
  if (typeof value !== "number" || rawJSON === undefined || context?.source === undefined) return value;
  return rawJSON(context.source);
}
