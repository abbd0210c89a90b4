/**
 * One RESP2 reply as Redis sent it: a status `OK` stays apart from a string `OK`, an integer keeps all its digits, an error may stand
 * inside an array, and every reply could be written out again byte for byte.
 */
export type Reply =
  | { readonly kind: "status"; readonly text: string }
  | { readonly kind: "error"; readonly text: string }
  | { readonly kind: "integer"; readonly text: string }
  | { readonly kind: "bulk"; readonly bytes: Buffer }
  | { readonly kind: "nil" }
  | { readonly kind: "nil-array" }
  | { readonly kind: "array"; readonly items: readonly Reply[] };

interface OpenArray {
  readonly items: Reply[];
  readonly size: number;
}

const plus = 0x2b;
const minus = 0x2d;
const colon = 0x3a;
const dollar = 0x24;
const star = 0x2a;
const cr = 0x0d;

/** Reads RESP2 from chunks as they come, in time linear in the bytes: nothing that was read is read again. */
export class ReplyReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Fewer bytes than this cannot complete the next value. */
  #wanted = 1;
  readonly #open: OpenArray[] = [];

  /**
   * Takes the next chunk and answers the replies it completed, in order.
   *
   * @throws {Error} the bytes are no RESP2. The connection is of no further use.
   */
  push(chunk: Buffer): Reply[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return [];

    const data = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const replies: Reply[] = [];
    let at = 0;
    this.#wanted = 1;
    while (at < data.length) {
      const end = data.indexOf(cr, at);
      if (end < 0 || end + 1 >= data.length) break;
      const line = data.toString("utf8", at + 1, end);
      const next = end + 2;
      const type = data[at];
      if (type === dollar && line !== "-1") {
        const size = count(line);
        if (data.length < next + size + 2) {
          this.#wanted = next - at + size + 2;
          break;
        }
        // A copy: a small string must not keep a whole socket chunk alive.
        this.#complete({ kind: "bulk", bytes: Buffer.from(data.subarray(next, next + size)) }, replies);
        at = next + size + 2;
        continue;
      }
      at = next;
      if (type === star && line !== "-1") {
        const size = count(line);
        if (size === 0) this.#complete({ kind: "array", items: [] }, replies);
        else this.#open.push({ items: [], size });
      } else {
        this.#complete(oneLine(type, line), replies);
      }
    }
    const rest = data.subarray(at);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    return replies;
  }

  #complete(value: Reply, replies: Reply[]): void {
    let done = value;
    for (;;) {
      const parent = this.#open.at(-1);
      if (parent === undefined) {
        replies.push(done);
        return;
      }
      parent.items.push(done);
      if (parent.items.length < parent.size) return;
      this.#open.pop();
      done = { kind: "array", items: parent.items };
    }
  }
}

function oneLine(type: number | undefined, line: string): Reply {
  switch (type) {
    case plus:
      return { kind: "status", text: line };
    case minus:
      return { kind: "error", text: line };
    case colon:
      if (!/^(0|-?[1-9]\d*)$/.test(line)) throw new Error("Redis sent an integer that is none");
      return { kind: "integer", text: line };
    case dollar:
      return { kind: "nil" };
    case star:
      return { kind: "nil-array" };
    default:
      throw new Error("Redis sent what is no RESP2");
  }
}

function count(line: string): number {
  if (!/^\d{1,10}$/.test(line)) throw new Error("Redis sent a length that is none");
  return Number(line);
}
