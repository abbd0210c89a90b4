import type { OnReadOpts, Socket } from "node:net";
import type { Command, CommandResult } from "@asynqjs/core";
import { refusal, wayFailed } from "@asynqjs/core/redis/ioredis";
import { Outbox } from "./outbox.ts";
import { ErrorReply, type RawReply, ReplyParser } from "./reply-parser.ts";

/** A call without an answer. */
interface Waiting {
  readonly results: CommandResult[];
  left: number;
  readonly resolve: (results: CommandResult[]) => void;
  readonly reject: (error: Error) => void;
  next: Waiting | undefined;
}

/** As much as is read at once. */
const readBytes = 64 * 1024;

/** One connection to one Redis, from its handshake to its end: it does not come back. */
export class Connection {
  /** Told once when it is over. */
  onClose: (() => void) | undefined;
  /** Told what Redis says unasked, on a connection that subscribed. */
  onMessage: ((message: RawReply) => void) | undefined;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  /** In the order in which they were sent, which is that of the answers. */
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #closedBy: unknown;
  #open = true;
  /** One of the answers to the first call was that Redis is no master any more. */
  #readonly = false;

  /** `dial` makes the socket; it reads into one buffer, over and over: one of its own for each read would cost more than to copy what came. */
  constructor(dial: (onread: OnReadOpts) => Socket) {
    const parser = new ReplyParser((reply) => this.#answer(reply));
    const buffer = Buffer.allocUnsafeSlow(readBytes);
    const socket = dial({
      buffer,
      callback: (length) => {
        try {
          parser.push(Buffer.from(buffer.subarray(0, length)));
        } catch (error) {
          this.close(error);
        }
        return true;
      },
    });
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.on("error", (error) => this.close(error));
    socket.on("close", () => this.close());
  }

  get open(): boolean {
    return this.#open;
  }

  /**
   * Sends the commands in one go, together with whatever else is sent in this turn of the event loop, and answers one result each, in order.
   * @throws {RedisError} the connection closed first
   */
  call(commands: readonly Command[]): Promise<CommandResult[]> {
    if (!this.#open) return Promise.reject(wayFailed("there is no connection", "no", this.#closedBy));
    if (commands.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#outbox.put(commands);
      const waiting: Waiting = { results: [], left: commands.length, resolve, reject, next: undefined };
      if (this.#last === undefined) this.#first = waiting;
      else this.#last.next = waiting;
      this.#last = waiting;
    });
  }

  /** Ends it; what was not answered fails. May be repeated. */
  close(cause?: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#closedBy = cause;
    this.#socket.destroy();
    const first = this.#first;
    this.#first = this.#last = undefined;
    for (let waiting = first; waiting !== undefined; waiting = waiting.next)
      waiting.reject(wayFailed("the connection closed before the answer came", "unknown", cause));
    this.onClose?.();
  }

  #answer(reply: RawReply): void {
    if (!this.#open) return;
    const first = this.#first;
    if (first === undefined) {
      if (this.onMessage === undefined) throw new Error("a reply to no command");
      this.onMessage(reply);
      return;
    }
    if (reply instanceof ErrorReply) {
      const error = refusal(reply.text);
      if (error.reply === "READONLY") this.#readonly = true;
      first.results.push({ error });
    } else first.results.push({ reply });
    if (--first.left > 0) return;
    this.#first = first.next;
    if (this.#first === undefined) this.#last = undefined;
    first.resolve(first.results);
    // The next connection may find the new master.
    if (this.#readonly) this.close();
  }
}
