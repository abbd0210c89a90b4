/**
 * Redis' values as plain data: what the model predicts is in Redis. Strings are latin-1, one character a byte. A container without members
 * is no key, as in Redis. Nothing here knows Asynq.
 * @module
 */

export type Value =
  | { readonly kind: "list"; readonly items: string[] }
  | { readonly kind: "zset"; readonly scores: Map<string, number> }
  | { readonly kind: "set"; readonly members: Set<string> }
  | { readonly kind: "hash"; readonly fields: Map<string, string> }
  | { readonly kind: "string"; readonly text: string };
type Kind = Value["kind"];

export class Keyspace {
  readonly #values = new Map<string, Value>();
  readonly #endsMs = new Map<string, number>();
  readonly #absolute = new Set<string>();
  /** The values as they were last written down. */
  readonly #written = new Map<string, string>();
  /** The time by which keys end: Redis' own. */
  nowMs: number;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }
  has(key: string): boolean {
    return this.#values.has(key);
  }
  kind(key: string): Kind | undefined {
    return this.#values.get(key)?.kind;
  }
  /** Whether the key holds that kind of value, or nothing. */
  fits(kind: Kind, key: string): boolean {
    return (this.kind(key) ?? kind) === kind;
  }
  /** Deletes a key; answers whether it was there. */
  drop(key: string): boolean {
    this.#endsMs.delete(key);
    this.#written.delete(key);
    return this.#values.delete(key);
  }
  rename(from: string, to: string): void {
    const value = this.#values.get(from)!;
    this.drop(from);
    this.drop(to);
    this.#values.set(to, value);
  }

  text(key: string): string | undefined {
    const value = this.#values.get(key);
    return value?.kind === "string" ? value.text : undefined;
  }
  setText(key: string, text: string, ttlSec?: number): void {
    this.drop(key);
    this.#values.set(key, { kind: "string", text });
    if (ttlSec !== undefined) this.endIn(key, ttlSec);
  }

  fields(key: string): ReadonlyMap<string, string> {
    const value = this.#values.get(key);
    return value?.kind === "hash" ? value.fields : new Map();
  }
  field(key: string, name: string): string | undefined {
    return this.fields(key).get(name);
  }
  setFields(key: string, fields: Readonly<Record<string, string>>): void {
    const value = this.#of("hash", key, () => ({ kind: "hash", fields: new Map() }));
    for (const [name, text] of Object.entries(fields)) value.fields.set(name, text);
  }
  dropFields(key: string, ...names: string[]): void {
    const value = this.#values.get(key);
    if (value?.kind !== "hash") return;
    for (const name of names) value.fields.delete(name);
    this.#changed(key, value.fields.size);
  }

  items(key: string): readonly string[] {
    const value = this.#values.get(key);
    return value?.kind === "list" ? value.items : [];
  }
  pushLeft(key: string, item: string): void {
    this.#of("list", key, () => ({ kind: "list", items: [] })).items.unshift(item);
  }
  pushRight(key: string, item: string): void {
    this.#of("list", key, () => ({ kind: "list", items: [] })).items.push(item);
  }
  popRight(key: string): string | undefined {
    const value = this.#values.get(key);
    if (value?.kind !== "list") return undefined;
    const item = value.items.pop();
    this.#changed(key, value.items.length);
    return item;
  }
  /** Removes the item nearest to the right end, or all of them. */
  removeItem(key: string, item: string, all?: "all"): void {
    const value = this.#values.get(key);
    if (value?.kind !== "list") return;
    for (let at = value.items.lastIndexOf(item); at >= 0; at = all ? value.items.lastIndexOf(item) : -1) value.items.splice(at, 1);
    this.#changed(key, value.items.length);
  }

  score(key: string, member: string): number | undefined {
    const value = this.#values.get(key);
    return value?.kind === "zset" ? value.scores.get(member) : undefined;
  }
  setScore(key: string, member: string, score: number): void {
    this.#of("zset", key, () => ({ kind: "zset", scores: new Map() })).scores.set(member, score);
  }
  removeScore(key: string, member: string): boolean {
    const value = this.#values.get(key);
    if (value?.kind !== "zset") return false;
    const removed = value.scores.delete(member);
    this.#changed(key, value.scores.size);
    return removed;
  }
  /** Members and scores in Redis' order: by score, then by bytes. */
  ranked(key: string): [member: string, score: number][] {
    const value = this.#values.get(key);
    return value?.kind === "zset" ? inOrder(value.scores) : [];
  }

  members(key: string): ReadonlySet<string> {
    const value = this.#values.get(key);
    return value?.kind === "set" ? value.members : new Set();
  }
  /** Answers whether it is new. */
  addMember(key: string, member: string): boolean {
    const isNew = !this.members(key).has(member);
    this.#of("set", key, () => ({ kind: "set", members: new Set() })).members.add(member);
    return isNew;
  }
  removeMember(key: string, member: string): boolean {
    const value = this.#values.get(key);
    if (value?.kind !== "set") return false;
    const removed = value.members.delete(member);
    this.#changed(key, value.members.size);
    return removed;
  }

  endIn(key: string, ttlSec: number): void {
    if (this.has(key)) this.#endsMs.set(key, this.nowMs + ttlSec * 1000);
  }
  /** Ends a key at a second of Redis' clock, which the one of a history is not. */
  endAt(key: string, sec: number): void {
    this.#endsMs.set(key, sec * 1000);
    this.#absolute.add(key);
  }
  /** Whether the key was just given its end by a second. */
  isAbsolute(key: string): boolean {
    return this.#absolute.has(key);
  }
  /** The keys that were since this was last asked. */
  takeAbsolute(): string[] {
    const keys = [...this.#absolute];
    this.#absolute.clear();
    return keys;
  }
  /** How long the key has, milliseconds. */
  leftMs(key: string): number | undefined {
    const endMs = this.#endsMs.get(key);
    return endMs === undefined ? undefined : endMs - this.nowMs;
  }
  /** Lets time pass: keys end. */
  advance(byMs: number): void {
    this.nowMs += byMs;
    for (const [key, endMs] of this.#endsMs) if (endMs <= this.nowMs) this.drop(key);
  }

  /** A key's value written down, as `read-keyspace.ts` has Redis write it. */
  written(key: string): string | undefined {
    const known = this.#written.get(key);
    if (known !== undefined) return known;
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    const text = writeDown(value);
    this.#written.set(key, text);
    return text;
  }

  #of<K extends Kind>(kind: K, key: string, fresh: () => Extract<Value, { kind: K }>): Extract<Value, { kind: K }> {
    let value = this.#values.get(key);
    if (value === undefined) {
      value = fresh();
      this.#values.set(key, value);
    }
    if (value.kind !== kind) throw new Error(`the model writes a ${kind} over the ${value.kind} ${key}`);
    this.#written.delete(key);
    return value as Extract<Value, { kind: K }>;
  }
  #changed(key: string, left: number): void {
    this.#written.delete(key);
    if (left === 0) this.drop(key);
  }
}

function inOrder(scores: ReadonlyMap<string, number>): [string, number][] {
  return [...scores].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
}

const word = (text: string): string => `${text.length}:${text}`;

function writeDown(value: Value): string {
  switch (value.kind) {
    case "list":
      return `l${value.items.map(word).join("")}`;
    case "zset":
      return `z${inOrder(value.scores)
        .map(([member, score]) => word(member) + word(seventeenDigits(score)))
        .join("")}`;
    case "set":
      return `s${[...value.members].sort().map(word).join("")}`;
    case "hash":
      return `h${[...value.fields]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, text]) => word(name) + word(text))
        .join("")}`;
    case "string":
      return `t${value.text}`;
  }
}

/** As C's `%.17g` prints it. */
function seventeenDigits(score: number): string {
  return Number.isInteger(score) ? String(score) : score.toPrecision(17).replace(/\.?0+$/, "");
}
