import type { Socket } from "node:net";
import { Writable } from "node:stream";
import type { Command } from "@asynqjs/core";
import { seededRandom } from "@asynqjs/core/testing";
import { describe, expect, test } from "vitest";
import { Outbox } from "./outbox.ts";

/** A socket that takes each write at once, or when told, and keeps it as it is at that moment. */
function socket(): { readonly socket: Socket; readonly writes: Buffer[]; slow: boolean; take(): void } {
  const writes: Buffer[] = [];
  const held: (() => void)[] = [];
  const to = {
    writes,
    slow: false,
    take: () => void held.shift()?.(),
    socket: new Writable({
      write: (chunk: Buffer, _, done) => hand([chunk], done),
      writev: (chunks, done) =>
        hand(
          chunks.map(({ chunk }) => chunk as Buffer),
          done,
        ),
    }) as Socket,
  };
  function hand(chunks: readonly Buffer[], done: () => void): void {
    const take = (): void => {
      writes.push(Buffer.concat(chunks));
      done();
    };
    if (to.slow) held.push(take);
    else take();
  }
  return to;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** As Redis wants it, by the letter. */
function encoded(commands: readonly Command[]): Buffer {
  const parts = commands.flatMap((words) => [
    Buffer.from(`*${words.length}\r\n`),
    ...words.flatMap((word) => [
      Buffer.from(`$${Buffer.from(word as string).length}\r\n`),
      Buffer.from(word as string),
      Buffer.from("\r\n"),
    ]),
  ]);
  return Buffer.concat(parts);
}

describe("Outbox", () => {
  test("counts bytes, not characters, and keeps every byte, however long a word is", async () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const commands = [9, 10, 63, 64, 65, 99, 100, 999, 1_000, 16_383, 16_384, 70_000, 600_000].flatMap((length): Command[] => [
      ["SET", "a".repeat(length), "é".repeat(length), `${"a".repeat(length - 1)}\u{1f389}`],
      ["SET", Buffer.alloc(length, all), new Uint8Array(length), "", new Uint8Array()],
    ]);
    const { socket: to, writes } = socket();
    const outbox = new Outbox(to);

    for (const command of commands) outbox.put([command]);
    await turn();
    outbox.put(commands);
    await turn();

    expect(Buffer.concat(writes).equals(encoded([...commands, ...commands]))).toBe(true);
    expect(writes).toHaveLength(2);
  });

  test("sends any words as a plain encoder has them, wherever in a slab they end", async () => {
    const random = seededRandom(7);
    const upTo = (most: number): number => Math.floor(random.float() * (most + 1));
    const oneOf = <T>(of: readonly T[]): T => of[upTo(of.length - 1)]!;
    const lengths = [() => 0, () => 1, () => 62 + upTo(4), () => upTo(70), () => upTo(400), () => 16_384 - upTo(600), () => upTo(20_000)];
    const letters = ["a", "\0", "\r\n", "\u007f", "\u0080", "é", "\uffff", "\u{1f389}", "\ud83c", "\udf89"];
    function word(): string | Uint8Array {
      const length = oneOf(lengths)();
      if (upTo(2) === 0) return Buffer.alloc(length, upTo(255));
      const plain = upTo(1) === 0 ? length : upTo(length);
      return `${"x".repeat(plain)}${Array.from({ length: Math.min(70, length - plain) }, () => oneOf(letters)).join("")}`;
    }
    const to = socket();
    const outbox = new Outbox(to.socket);
    const sent: Command[] = [];

    for (let turns = 0; turns < 400; turns++) {
      to.slow = upTo(3) === 0;
      for (let puts = upTo(6); puts > 0; puts--) {
        const commands = Array.from({ length: 1 + upTo(2) }, () => Array.from({ length: 1 + upTo(12) }, word) as unknown as Command);
        sent.push(...commands);
        outbox.put(commands);
      }
      await turn();
      if (upTo(2) === 0) to.take();
    }
    to.slow = false;
    while (to.socket.writableLength > 0) {
      to.take();
      await turn();
    }

    expect(Buffer.concat(to.writes).equals(encoded(sent))).toBe(true);
  });

  test("sends in one write what was put in within one turn, in that order, promises that follow from it included", async () => {
    const { socket: to, writes } = socket();
    const outbox = new Outbox(to);

    outbox.put([["A"]]);
    const later = (async () => {
      for (let hops = 0; hops < 10; hops++) await undefined;
      outbox.put([["B"], ["C"]]);
    })();
    expect(writes).toEqual([]);
    await later;
    await turn();
    outbox.put([["D"]]);
    await turn();

    expect(writes.map(String)).toEqual([encoded([["A"], ["B"], ["C"]]), encoded([["D"]])].map(String));
  });

  test("leaves alone what the socket has not taken yet", async () => {
    const to = socket();
    const outbox = new Outbox(to.socket);
    to.slow = true;
    const commands = Array.from({ length: 500 }, (_, i): Command => ["SET", `key ${i}`, "x".repeat(100)]);

    for (const command of commands) {
      outbox.put([command]);
      await turn();
    }
    for (let i = 0; i < commands.length; i++) {
      to.take();
      await turn();
    }

    expect(Buffer.concat(to.writes).equals(encoded(commands))).toBe(true);
  });

  test("puts in no part of a call that holds what is no word", async () => {
    const { socket: to, writes } = socket();
    const outbox = new Outbox(to);
    outbox.put([["A"]]);

    expect(() =>
      outbox.put([
        ["B", "x".repeat(20_000), new Uint8Array(20_000)],
        ["C", undefined as never],
      ]),
    ).toThrow(TypeError);
    outbox.put([["D"]]);
    await turn();

    expect(writes.map(String)).toEqual([String(encoded([["A"], ["D"]]))]);
  });
});
