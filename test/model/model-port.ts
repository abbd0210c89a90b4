import * as core from "@asynqjs/core";
import { type Command, type CommandResult, RedisError, type RedisFeatures, type RedisPort, type Script } from "@asynqjs/core";
import { type Call, Refusal, type Requests, type Steps } from "./call.ts";
import type { Keyspace } from "./keyspace.ts";
import type { RecordBook } from "./record-book.ts";

/** What happens to one request of an operation, the `at`-th from 0; `twice` happens to each. */
export interface Fault {
  readonly kind: "none" | "twice" | "lose-request" | "lose-reply";
  readonly at: number;
}

/** A request that was sent, or lost on the way: it may come late, or again. */
export interface SentRequest {
  readonly commands: readonly Command[];
  readonly calls: readonly Call[];
  readonly text: string;
  /** Its caller never heard an answer: the lanes of its calls carry no other. */
  isLost: boolean;
}

interface KnownScript {
  readonly name: string;
  readonly text: string;
}
const codecs: readonly RedisFeatures["codec"][] = ["raw", "json"];

/** Reality and the model disagree. */
export class Mismatch extends Error {}

/** A request under way, its calls answered one by one: a script that Redis does not know comes again by its text. */
interface Underway {
  readonly sent: SentRequest;
  readonly answers: unknown[];
  readonly undone: Set<number>;
}

/**
 * A port that lets the model follow: each request that arrives is carried out on the model too, and what an operation sends is held against
 * what the model says it sends. Loses and repeats what it is told to.
 */
export class ModelPort implements RedisPort {
  readonly #redis: RedisPort;
  readonly #keyspace: Keyspace;
  readonly #records: RecordBook;
  readonly #scripts: ReadonlyMap<string, KnownScript>;
  /** Requests that carry records, in the order they were sent. */
  readonly sent: SentRequest[] = [];

  #steps: Steps | undefined;
  #fault: Fault = { kind: "none", at: 0 };
  #requests = 0;
  /** What the model sends at this moment and has not been seen yet, each with its place among them. */
  #open: { readonly calls: readonly Call[]; readonly place: number }[] = [];
  #underway: Underway[] = [];
  /** How the model's operation goes on: with the answers so far, or with a loss. */
  #answered: Underway[] = [];
  #lost = false;
  #inFlight = 0;
  #label = "";

  constructor(redis: RedisPort, keyspace: Keyspace, records: RecordBook, scripts: ReadonlyMap<string, KnownScript>) {
    this.#redis = redis;
    this.#keyspace = keyspace;
    this.#records = records;
    this.#scripts = scripts;
  }

  features(): Promise<RedisFeatures> {
    return this.#redis.features();
  }
  async close(): Promise<void> {}

  /** The same port, bytes crossing it as a port over HTTP packs them. */
  asText(): RedisPort {
    return {
      features: async () => ({ ...(await this.features()), codec: "json" }),
      send: (commands) => this.send(commands),
      close: () => this.close(),
    };
  }

  /** From now on what is sent is held against these steps. */
  begin(label: string, steps: Steps, fault: Fault): void {
    this.#label = label;
    this.#steps = steps;
    this.#fault = fault;
    this.#requests = 0;
    this.#open = [];
    this.#underway = [];
    this.#answered = [];
    this.#lost = false;
  }

  /** The operation has ended: what it is to have answered, or `"lost"`. */
  async end(): Promise<unknown> {
    // Of requests under way at once one may be lost, and the operation over, while another is still out.
    while (this.#inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    const { done, value } = this.#resume();
    if (!done) throw new Mismatch(`it ended without sending ${namesOf((value as Requests).flat())}`);
    this.#steps = undefined;
    return value;
  }

  async send(commands: readonly Command[]): Promise<readonly CommandResult[]> {
    if (this.#steps === undefined) throw new Mismatch(`something is sent after its operation: ${this.#namesOf(commands)}`);
    this.#inFlight++;
    try {
      if (commands[0]![0] === "EVAL") return await this.#sendByText(commands);
      const underway = this.#expect(commands);
      const strikes = this.#requests++ === this.#fault.at;
      if (underway.sent.calls.some((_, i) => recordOf(commands[i]!) !== undefined)) this.sent.push(underway.sent);
      if (strikes && this.#fault.kind === "lose-request") this.#lose(underway.sent, "request");
      this.#underway.push(underway);
      const results = await this.#deliver(underway, commands);
      if (strikes && this.#fault.kind === "lose-reply") this.#lose(underway.sent, "reply");
      return results;
    } finally {
      this.#inFlight--;
    }
  }

  /**
   * Sends a request again that was sent or lost before, as the same bytes. Nobody waits for the answer but the model. Answers whether Redis
   * remembered all of it.
   */
  async repeat(sent: SentRequest): Promise<boolean> {
    let remembered = true;
    const results = await this.#redis.send(sent.commands);
    for (const [i, command] of sent.commands.entries()) {
      let result = results[i]!;
      if (result.error?.reply === "NOSCRIPT") {
        const { text } = this.#scripts.get(command[1] as string)!;
        [result] = (await this.#redis.send([["EVAL", text, ...command.slice(2)]])) as [CommandResult];
      }
      const { answer, kept } = this.#apply(sent.calls[i]!, command, result);
      checkError(sent.calls[i]!.name, answer, result);
      if (sent.isLost && answer instanceof Refusal && answer.reply === "STALECALL")
        throw new Mismatch(`${sent.calls[i]!.name} was lost, and another call went by its lane`);
      if (kept !== undefined && !sameReply(kept, result.reply!))
        throw new Mismatch(`${sent.calls[i]!.name}, repeated, was not answered by its record`);
      if (kept === undefined && !(answer instanceof Refusal)) remembered = false;
    }
    return remembered;
  }

  /** The next request of the model's operation that is like this one. */
  #expect(commands: readonly Command[]): Underway {
    if (this.#open.length === 0) {
      const { done, value } = this.#resume();
      if (done) throw new Mismatch(`it sends ${this.#namesOf(commands)}, which the model does not`);
      this.#open = (value as Requests).map((calls, place) => ({ calls, place }));
    }
    const names = this.#namesOf(commands);
    const at = this.#open.findIndex(({ calls }) => namesOf(calls) === names);
    if (at < 0) throw new Mismatch(`it sends ${names}, the model ${this.#open.map(({ calls }) => namesOf(calls)).join(" and ")}`);
    const { calls, place } = this.#open.splice(at, 1)[0]!;
    const underway: Underway = {
      sent: { commands, calls, text: `${this.#label}: ${names}`, isLost: false },
      answers: [],
      undone: new Set(),
    };
    this.#answered[place] = underway;
    return underway;
  }

  /** Carries a request out, twice where told to; the model follows each time. */
  async #deliver(underway: Underway, commands: readonly Command[]): Promise<readonly CommandResult[]> {
    let results = await this.#redis.send(commands);
    this.#follow(underway, commands, results);
    if (this.#fault.kind === "twice") {
      results = await this.#redis.send(commands);
      this.#follow(underway, commands, results);
    }
    return results;
  }

  #follow(underway: Underway, commands: readonly Command[], results: readonly CommandResult[]): void {
    for (const [i, call] of underway.sent.calls.entries()) {
      const result = results[i]!;
      underway.undone.delete(i);
      if (result.error?.reply === "NOSCRIPT") underway.undone.add(i);
      else underway.answers[i] = this.#apply(call, commands[i]!, result).answer;
    }
  }

  async #sendByText(commands: readonly Command[]): Promise<readonly CommandResult[]> {
    const places = commands.map((command) => {
      for (const underway of this.#underway) {
        for (const i of underway.undone) if (sameWords(underway.sent.commands[i]!, command)) return { underway, i };
      }
      throw new Mismatch(`a script is sent by its text that was not refused: ${String(command[1]).slice(0, 60)}`);
    });
    let results: readonly CommandResult[] = [];
    for (let times = this.#fault.kind === "twice" ? 2 : 1; times > 0; times--) {
      results = await this.#redis.send(commands);
      for (const [nth, { underway, i }] of places.entries()) {
        underway.undone.delete(i);
        underway.answers[i] = this.#apply(underway.sent.calls[i]!, commands[nth]!, results[nth]!).answer;
      }
    }
    return results;
  }

  /** What the model makes of a call that arrived: by its record, if it has one, a repetition, one that comes too late, or a new one. */
  #apply(call: Call, command: Command, result: CommandResult): { answer: unknown; kept?: core.Reply | undefined } {
    const record = recordOf(command);
    const known = record && this.#records.get(record.key);
    if (known !== undefined && known.seq === record!.seq) {
      this.#records.refresh(record!.key);
      const { value, reply }: { readonly value: unknown; readonly reply?: core.Reply | undefined } =
        call.again?.(this.#keyspace, known.value) ?? known;
      return { answer: value, kept: reply };
    }
    if (known !== undefined && known.seq > record!.seq) return { answer: new Refusal("STALECALL") };
    const { value, recorded } = call.apply(this.#keyspace, result.reply ?? null);
    if (recorded && record !== undefined) this.#records.write(record.key, record.seq, value, result.reply ?? null);
    return { answer: value };
  }

  #resume(): IteratorResult<Requests, unknown> {
    const answered = this.#answered;
    this.#answered = [];
    if (!this.#lost) return this.#steps!.next(answered.map(({ answers }) => answers));
    this.#lost = false;
    try {
      return this.#steps!.throw("lost");
    } catch (thrown) {
      if (thrown !== "lost") throw thrown;
      return { done: true, value: "lost" };
    }
  }

  #lose(sent: SentRequest, what: string): never {
    sent.isLost = true;
    this.#lost = true;
    throw new RedisError(`the ${what} was lost`, { delivered: "unknown" });
  }

  #namesOf(commands: readonly Command[]): string {
    return commands
      .map(([name, sha]) => (name === "EVALSHA" ? (this.#scripts.get(sha as string)?.name ?? "an unknown script") : name))
      .join(", ");
  }
}

const namesOf = (calls: readonly Call[]): string => calls.map(({ name }) => name).join(", ");

/** The record that a script call carries. */
function recordOf([name, , count, key, ...rest]: Command): { readonly key: string; readonly seq: number } | undefined {
  if ((name !== "EVALSHA" && name !== "EVAL") || !(key as string).includes(":js:call:")) return undefined;
  return { key: key as string, seq: Number(rest[Number(count) - 1]) };
}

function checkError(name: string, answer: unknown, { error }: CommandResult): void {
  const predicted = answer instanceof Refusal ? answer.reply : undefined;
  if (error?.reply !== predicted)
    throw new Mismatch(`${name} was answered ${error?.reply ?? "no error"}, by the model ${predicted ?? "none"}`);
}

function sameWords(one: Command, other: Command): boolean {
  return one.length === other.length && one.every((word, i) => i < 2 || word === other[i]);
}

function sameReply(one: core.Reply, other: core.Reply): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  if (Array.isArray(one) && Array.isArray(other)) return one.length === other.length && one.every((item, i) => sameReply(item, other[i]));
  return one === other;
}

/** What is used of a script here, whatever its names and values. */
type AnyScript = Pick<Script<never, never, never, never, never>, "name" | "text" | "sha">;

/** Every script of core by the hash it is sent under, as it is linked for either codec. */
export async function scriptsByHash({ allowOom }: RedisFeatures): Promise<ReadonlyMap<string, KnownScript>> {
  const scripts = Object.values<unknown>(core).filter((one): one is AnyScript => typeof (one as Partial<AnyScript>)?.sha === "function");
  const linked = scripts.flatMap((script) => codecs.map((codec) => ({ script, codec })));
  return new Map(
    await Promise.all(
      linked.map(async ({ script, codec }) => {
        const known: KnownScript = { name: script.name, text: script.text(codec, allowOom) };
        return [await script.sha(codec, allowOom), known] as const;
      }),
    ),
  );
}
