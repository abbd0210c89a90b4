import type { Socket } from "node:net";
import type { Command } from "@asynqjs/core";
import { wayFailed } from "@asynqjs/core/redis/ioredis";
import { encodeCommands } from "./encode-commands.ts";
import { type RawReply, ReplyParser } from "./reply-parser.ts";

interface Waiting {
  left: number;
  readonly replies: RawReply[];
  readonly resolve: (replies: RawReply[]) => void;
  readonly reject: (error: Error) => void;
}

/** One connection to one Redis, from its handshake to its end: it does not come back. */
export class Connection {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #closedBy: unknown;
  #open = true;

  constructor(socket: Socket) {
    const parser = new ReplyParser();
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const reply of parser.push(chunk)) this.#answer(reply);
      } catch (error) {
        this.close(error);
      }
    });
    socket.on("error", (error) => this.close(error));
    socket.on("close", () => this.close());
  }

  get open(): boolean {
    return this.#open;
  }

  /**
   * Sends the commands in one go and answers one reply each, in order.
   * @throws {RedisError} the connection closed first
   */
  call(commands: readonly Command[]): Promise<RawReply[]> {
    if (!this.#open) return Promise.reject(wayFailed("there is no connection", "no", this.#closedBy));
    if (commands.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ left: commands.length, replies: [], resolve, reject });
      this.#socket.write(encodeCommands(commands));
    });
  }

  /** Ends it; what was not answered fails. May be repeated. */
  close(cause?: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#closedBy = cause;
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(wayFailed("the connection closed before the answer came", "unknown", cause));
  }

  #answer(reply: RawReply): void {
    const [first] = this.#waiting;
    if (first === undefined) throw new Error("a reply to no command");
    first.replies.push(reply);
    if (--first.left > 0) return;
    this.#waiting.shift();
    first.resolve(first.replies);
  }
}
