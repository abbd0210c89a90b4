/** Real Redis as the simulated world sees it: its clock is the world's, and what it answers in an order of its own is put in order. @module */

import type { Command, CommandResult, RedisPort, Script } from "@asynqjs/core";
import * as core from "@asynqjs/core";
import type { World } from "./world.ts";

type AnyScript = Script<string, Record<string, never>, string, Record<string, never>, unknown>;

/** Every script there is, by the names Redis knows it by. Hashing them is left to threads, which keep no order: so it is done beforehand. */
const scriptNames = new Map<string, string>();
for (const value of Object.values(core as Record<string, unknown>)) {
  const script = value as AnyScript;
  if (typeof value !== "object" || value === null || !("text" in value && "sha" in value)) continue;
  for (const codec of ["raw", "json"] as const)
    for (const allowOom of [false, true]) scriptNames.set(await script.sha(codec, allowOom), script.name);
}

/** What a command is called in the trace: a script by its name, with the ids of tasks it is given. */
export function commandName([name, first, ...words]: Command): string {
  if (name !== "EVALSHA" && name !== "EVAL") return String(name);
  const ids = words.flatMap((word) => /^(?:task-(\d+\S*)|([0-9a-f]{4})[0-9a-f]{4}(?:-[0-9a-f]{4}){3}-)/.exec(String(word))?.slice(1) ?? []);
  const script =
    name === "EVALSHA"
      ? (scriptNames.get(first as string) ?? name)
      : `${/^-- asynqjs (\S+)/m.exec(first as string)?.[1] ?? "EVAL"} by text`;
  return ids.length === 0 ? script : `${script}(${ids.filter((id) => id !== undefined).join(",")})`;
}

/** Redis behind the simulated network. */
export class RedisSide {
  readonly #world: World;
  readonly #redis: RedisPort;
  /** When each call record is over, by the world's clock: by Redis' own none ever is. */
  readonly #records = new Map<string, number>();
  /** How often a queue was paused or let go on. */
  pauses = 0;

  constructor(world: World, redis: RedisPort) {
    this.#world = world;
    this.#redis = redis;
  }

  /** Carries commands out, in order. */
  async carryOut(commands: readonly Command[]): Promise<CommandResult[]> {
    await this.meet(commands);
    const results: CommandResult[] = new Array(commands.length);
    const asked: number[] = [];
    for (const [i, command] of commands.entries()) {
      if (command[0] === "TIME") results[i] = { reply: this.#time() };
      else if (commandName(command).startsWith("list-keys")) results[i] = await this.#listKeys(command);
      else asked.push(i);
    }
    if (asked.length > 0) {
      const answers = await this.#redis.send(asked.map((i) => commands[i]!));
      for (const [nth, i] of asked.entries()) results[i] = this.#inWorld(commands[i]!, answers[nth]!);
    }
    return results;
  }

  /** To be told of commands before they are carried out, on whatever way: records that are over go, theirs begin anew. */
  async meet(commands: readonly Command[]): Promise<void> {
    const over = [...this.#records].filter(([, untilMs]) => untilMs <= this.#world.nowMs).map(([key]) => key);
    for (const key of over) this.#records.delete(key);
    if (over.length > 0) await this.ask("DEL", ...over);
    for (const [name, key, , call] of commands) {
      if ((name === "SETNX" || name === "DEL") && String(key).endsWith(":paused")) this.pauses++;
      if (typeof call === "string" && call.includes(":js:call:")) this.#records.set(call, this.#world.nowMs + core.replayWindowSec * 1000);
    }
  }

  /** What goes to Redis past the network: nothing of it can fail. */
  async ask(...command: string[]): Promise<core.Reply> {
    const [result] = await this.#redis.send([command]);
    if (result!.error !== undefined) throw result!.error;
    return result!.reply;
  }

  /** What a server tells of itself is answered with the time. */
  #inWorld(command: Command, result: CommandResult): CommandResult {
    if (result.error === undefined && commandName(command).startsWith("write-server-state")) return { reply: this.#time() };
    return inOrder(command, result);
  }

  #time(): Uint8Array[] {
    const ms = this.#world.wallMs;
    return [bytes(String(Math.floor(ms / 1000))), bytes(String(Math.floor((ms % 1000) * 1000)))];
  }

  /** A walk over the keyspace that goes by the keys, not by where Redis' tables, seeded anew with each server, have them. */
  async #listKeys(command: Command): Promise<CommandResult> {
    const [cursor, pattern, count] = command.slice(-3) as [string, string, string];
    const found = ((await this.ask("KEYS", pattern)) as Uint8Array[]).map((key) => new TextDecoder().decode(key));
    const placed = found.map((key) => ({ key, place: placeOf(key) })).sort((a, b) => a.place - b.place || (a.key < b.key ? -1 : 1));
    const from = placed.findIndex(({ place }) => place >= Number(cursor));
    const page = from < 0 ? [] : placed.slice(from, from + Math.max(1, Math.ceil(Number(count) / 10)));
    const last = page.at(-1);
    // Keys of one place go together.
    const whole = last === undefined ? [] : placed.slice(from).filter(({ place }) => place <= last.place);
    const more = last !== undefined && placed.some(({ place }) => place > last.place);
    return { reply: [bytes(more ? String(last.place + 1) : "0"), whole.map(({ key }) => bytes(key))] };
  }
}

/** Members of a set come as they lie in Redis' tables. */
function inOrder([name]: Command, result: CommandResult): CommandResult {
  if (result.error !== undefined || (name !== "SMEMBERS" && name !== "SSCAN")) return result;
  const text = (member: core.Reply): string => Buffer.from(member as Uint8Array).toString("latin1");
  const sorted = (members: readonly core.Reply[]): core.Reply[] => [...members].sort((a, b) => (text(a) < text(b) ? -1 : 1));
  const reply = result.reply as readonly core.Reply[];
  return { reply: name === "SMEMBERS" ? sorted(reply) : [reply[0]!, sorted(reply[1] as readonly core.Reply[])] };
}

/** 31 bits of the key, never 0. */
function placeOf(key: string): number {
  let hash = 7;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) >>> 0;
  return (hash >>> 1) + 1;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
