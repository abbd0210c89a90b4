/** Who took which task, and whose writes were accepted, as Redis carried them out: read from the calls and what they were answered. @module */
import { type Command, type CommandResult, leaseSec } from "@asynqjs/core";
import { type Finding, fenced, type LeaseEvent } from "@asynqjs/core/invariants";
import { isReplayed, queueOf, settledPart, type TakenLease, takenBy, textOf, wordsOf } from "./dequeue-call.ts";
import { commandName } from "./redis-side.ts";

/** A call of a script, taken apart. */
interface Call {
  readonly queue: string;
  /** Of its record: a replay has the same. */
  readonly name: string;
  /** After the two of its record. */
  readonly args: readonly string[];
  readonly reply: CommandResult["reply"];
}

/** Which argument of a settle says the kinds, counts and fences of its outcomes; their ids come next. */
const runsAt = 4;
/** So many arguments stand before those of a settle that fetches. */
const fetchArgs = 6;

export class LeaseHistory {
  readonly #events = new Map<string, LeaseEvent[]>();
  /** By queue and id: who holds the lease now, and until when, as far as it was extended. */
  readonly #holders = new Map<string, { readonly token: number; untilMs: number }>();
  readonly #nowMs: () => number;
  readonly #carriedOut = new Set<string>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes commands and what they were answered, in the order in which Redis carried them out. */
  add(commands: readonly Command[], results: readonly CommandResult[]): void {
    for (const [i, command] of commands.entries()) {
      const { reply, error } = results[i]!;
      if (error !== undefined || (command[0] !== "EVALSHA" && command[0] !== "EVAL")) continue;
      const [, script = ""] = /^([a-z-]+)/.exec(commandName(command)) ?? [];
      if (!["dequeue", "settle", "settle-and-dequeue", "extend-leases", "write-result", "write-log"].includes(script)) continue;
      const [key, words] = [String(command[3]), wordsOf(command)];
      const call = { queue: queueOf(key), name: `${key} ${words[0]}`, args: words.slice(2), reply };
      if (script === "dequeue") this.#taken(command, reply);
      else if (!this.#carriedOut.has(call.name)) {
        this.#carriedOut.add(call.name);
        if (script === "settle") this.#settled(call, textOf(reply));
        else if (script === "settle-and-dequeue") {
          this.#settled({ ...call, args: call.args.slice(fetchArgs) }, settledPart(reply));
          this.#taken(command, reply);
        } else if (script === "extend-leases") this.#extended(call);
        else this.#note(call.queue, { ...write(call.args[0]!, call.args[1]!), accepted: textOf(call.reply) === "w", keeps: true });
      }
    }
  }

  /** Writes that were accepted of one who did not hold the lease, and those of who did that were refused. */
  findings(): Finding[] {
    return [...this.#events].flatMap(([queue, events]) => fenced(queue, events));
  }

  /** Until when a lease goes on; nothing once its task was settled, taken back or given to another. */
  heldUntilMs({ queue, id, token }: TakenLease): number | undefined {
    const holder = this.#holders.get(`${queue} ${id}`);
    return holder?.token === token ? holder.untilMs : undefined;
  }

  /** What was answered before is no news. */
  #taken(command: Command, reply: CommandResult["reply"]): void {
    if (isReplayed(reply)) return;
    for (const { queue, id, token } of takenBy(command, reply)) this.#note(queue, { type: "take", id, token });
  }

  #settled({ queue, args }: Call, answer: string): void {
    const [verdicts] = answer.split(",");
    const fences = Array.from(args[runsAt]!.matchAll(/[a-z](\d+):([^;]*);/g), ([, count, fence]) =>
      Array<string>(Number(count)).fill(fence!),
    );
    for (const [nth, fence] of fences.flat().entries()) {
      const id = args[runsAt + 1 + nth]!;
      const accepted = verdicts![nth] !== "l";
      if (!fence.startsWith("=")) this.#note(queue, { ...write(id, fence), accepted, keeps: false });
      else if (accepted) this.#note(queue, { type: "end", id });
    }
  }

  #extended({ queue, args, reply }: Call): void {
    for (const [nth, verdict] of [...textOf(reply)].entries()) {
      const [id, token] = args.slice(1 + nth * 2) as [string, string];
      this.#note(queue, { ...write(id, token), accepted: verdict === "e", keeps: true });
      const holder = this.#holders.get(`${queue} ${id}`);
      if (verdict === "e" && holder !== undefined) holder.untilMs = this.#nowMs() + leaseSec * 1000;
    }
  }

  #note(queue: string, event: LeaseEvent): void {
    const events = this.#events.get(queue);
    if (events === undefined) this.#events.set(queue, [event]);
    else events.push(event);
    const task = `${queue} ${event.id}`;
    if (event.type === "take") this.#holders.set(task, { token: event.token, untilMs: this.#nowMs() + leaseSec * 1000 });
    else if (event.type === "end" || (event.accepted && !event.keeps)) this.#holders.delete(task);
  }
}

function write(id: string, token: string): { readonly type: "write"; readonly id: string; readonly token: number } {
  return { type: "write", id, token: Number(token) };
}
