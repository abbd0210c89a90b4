/** Whether each call of a script counted once, and none after a later one of its lane: read from the calls and what they were answered. @module */
import type { Command, CommandResult } from "@asynqjs/core";
import { settledPart, wordsOf } from "./dequeue-call.ts";
import { commandName } from "./redis-side.ts";

/** Those that leave a record whatever they did; a tick that finds nothing to do, and a fetch, leave none. */
const recorded: ReadonlySet<string> = new Set(["enqueue", "settle", "settle-and-dequeue", "extend-leases", "write-result", "write-log"]);

export class CallHistory {
  /** What was wrong. */
  readonly findings: string[] = [];
  /** Of each lane, by the key of its record, the last call that was carried out, and what it was answered. */
  readonly #lanes = new Map<string, { readonly seq: number; readonly answer: string }>();

  /** Takes commands and what they were answered, in the order in which Redis carried them out. */
  add(commands: readonly Command[], results: readonly CommandResult[]): void {
    for (const [i, command] of commands.entries()) {
      const { reply, error } = results[i]!;
      const [script = ""] = /^[a-z-]+/.exec(commandName(command)) ?? [];
      if (error !== undefined || !recorded.has(script)) continue;
      // What it fetched is told as far as it is still held.
      const answer = script === "settle-and-dequeue" ? settledPart(reply) : text(reply);
      this.#add(command, String(command[3]), Number(wordsOf(command)[0]), answer);
    }
  }

  #add(command: Command, lane: string, seq: number, answer: string): void {
    const last = this.#lanes.get(lane);
    if (last === undefined || seq > last.seq) this.#lanes.set(lane, { seq, answer });
    else if (seq < last.seq) this.findings.push(`${commandName(command)} came after a later call of its lane, and was carried out`);
    else if (answer !== last.answer) this.findings.push(`${commandName(command)} came again, and was answered otherwise`);
  }
}

function text(reply: CommandResult["reply"]): string {
  return JSON.stringify(reply, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value));
}
