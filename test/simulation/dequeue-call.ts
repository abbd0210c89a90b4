/** What a fetch was given, read from its call and what it was answered. @module */
import type { Command, CommandResult } from "@asynqjs/core";

/** A lease, by the token of the call that took it. */
export interface TakenLease {
  readonly queue: string;
  readonly id: string;
  readonly token: number;
}

/** Scripts that take tasks: what they are given for that stands first. */
export function isFetch(name: string): boolean {
  return /^(settle-and-)?dequeue\b/.test(name);
}

/** Over several queues, whose tasks come one queue after the other. */
export function takenBy(command: Command, reply: CommandResult["reply"]): TakenLease[] {
  const [, , ...args] = wordsOf(command);
  const [, ...pairs] = reply as readonly Uint8Array[];
  const taken: TakenLease[] = [];
  for (const [nth, count] of headOf(reply)[1].split(",").entries()) {
    const queue = queueOf(args[6 + nth]!);
    for (let left = Number(count) || 0; left > 0; left--)
      taken.push({ queue, id: textOf(pairs[2 * taken.length]!), token: Number(args[1]) });
  }
  return taken;
}

/** Whether it was answered so before: then it tells no waits. */
export function isReplayed(reply: CommandResult["reply"]): boolean {
  return headOf(reply)[2] === "";
}

/** The arguments of a call, those of its record among them. */
export function wordsOf(command: Command): string[] {
  return command.slice(3 + Number(command[2])).map(String);
}

/** The queue whose key that is, or whose beginning of keys. */
export function queueOf(key: string): string {
  return /\{(.*?)\}/.exec(key)![1]!;
}

export function textOf(reply: CommandResult["reply"]): string {
  return Buffer.from(reply as Uint8Array).toString();
}

/** What the settling part of a call was answered, where it has one: before what was fetched. */
export function settledPart(reply: CommandResult["reply"]): string {
  return textOf((reply as readonly Uint8Array[])[0]!).split(";")[0]!;
}

/** `<dropped>;<count of each queue>;<wait of each task>`, behind what was settled. */
function headOf(reply: CommandResult["reply"]): [string, string, string] {
  return textOf((reply as readonly Uint8Array[])[0]!)
    .split(";")
    .slice(-3) as [string, string, string];
}
