/**
 * The options of a periodic task as text: what schedulers tell of their entries, and Asynq's CLI and dashboards show.
 * @see Asynq client.go, `Option.String`; inspector.go, `parseOption`
 * @module
 */
import type { EnqueueOptions } from "../options.ts";
import { printGoDate, readGoDate } from "./go-date.ts";
import { printGoDuration, readGoDuration } from "./go-duration.ts";
import { quoteAsGo, readGoQuoted } from "./go-quote.ts";

/** How an option is called and what it holds is written and read; what cannot be read is nothing. */
interface Text<V> {
  readonly name: string;
  readonly write: (value: V) => string;
  readonly read: (text: string) => V | undefined;
}

const text = (name: string): Text<string> => ({ name, write: quoteAsGo, read: readGoQuoted });
const date = (name: string): Text<Date> => ({ name, write: printGoDate, read: readGoDate });
const seconds = (name: string): Text<number> => ({
  name,
  write: printGoDuration,
  read(text) {
    const read = readGoDuration(text);
    return "ns" in read ? Number(read.ns) / 1e9 : undefined;
  },
});

const texts: { readonly [Name in Exclude<keyof EnqueueOptions, "headers">]-?: Text<NonNullable<EnqueueOptions[Name]>> } = {
  maxRetry: { name: "MaxRetry", write: String, read: (text) => (/^[-+]?\d{1,15}$/.test(text) ? Number(text) : undefined) },
  queue: text("Queue"),
  taskId: text("TaskID"),
  timeoutSec: seconds("Timeout"),
  deadline: date("Deadline"),
  uniqueTtlSec: seconds("Unique"),
  processAt: date("ProcessAt"),
  processInSec: seconds("ProcessIn"),
  retentionSec: seconds("Retention"),
  group: text("Group"),
};

/** The text of each option that is given; a header is an option of its own. */
export function optionTexts({ headers = {}, ...options }: EnqueueOptions): string[] {
  return [
    ...Object.entries(texts).flatMap(([option, { name, write }]) => {
      const value = options[option as keyof typeof texts];
      return value === undefined ? [] : `${name}(${(write as (value: unknown) => string)(value)})`;
    }),
    ...Object.entries(headers).map((pair) => `Header(${jsonOfGo(pair)})`),
  ];
}

/**
 * Reads such texts. What is no option, or holds a value that cannot be read, is left out, as Asynq's inspector does; which cuts a value at
 * its first `)`, and knows neither `TaskID` nor `Group`.
 */
export function readOptionTexts(written: readonly string[]): EnqueueOptions {
  const options: { -readonly [Name in keyof EnqueueOptions]: unknown } = {};
  const headers: Record<string, string> = {};
  for (const option of written) {
    const [, name, value] = /^(\w+)\((.*)\)$/s.exec(option) ?? [];
    if (name === undefined || value === undefined) continue;
    const [header, word] = name === "Header" ? readPair(value) : [];
    if (header !== undefined && word !== undefined) headers[header] = word;
    const found = Object.entries(texts).find(([, text]) => text.name === name);
    if (found === undefined) continue;
    const read = found[1].read(value);
    if (read !== undefined) options[found[0] as keyof EnqueueOptions] = read;
  }
  if (Object.keys(headers).length > 0) options.headers = headers;
  return options as EnqueueOptions;
}

/** JSON as Go's encoder writes it: safe within HTML. */
function jsonOfGo(pair: readonly string[]): string {
  const json = JSON.stringify(pair.map((text) => text.toWellFormed()));
  return json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function readPair(json: string): readonly string[] {
  try {
    const pair: unknown = JSON.parse(json);
    return Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === "string") ? pair : [];
  } catch {
    return [];
  }
}
