/**
 * Secrets and contents that are planted wherever a run of chaos has one, and looked for in everything that it said.
 * @module
 */
import { randomBytes } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import path from "node:path";

const kinds = ["redis-password", "gateway-token", "payload", "header", "result"] as const;
type Kind = (typeof kinds)[number];

/** A text of each kind that occurs nowhere by chance. */
export type Canaries = Readonly<Record<Kind, string>>;

export function makeCanaries(): Canaries {
  return Object.fromEntries(kinds.map((kind) => [kind, `canary-${kind}-${randomBytes(12).toString("hex")}`])) as Canaries;
}

/** Looks through every file below a folder; says of each find which canary it is, in which file and line, and in which dress. */
export async function findCanaries(dir: string, canaries: Canaries): Promise<string[]> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const dresses = kinds.flatMap((kind) => [...dressesOf(canaries[kind])].map(([dress, bytes]) => ({ kind, dress, bytes })));
  const longest = Math.max(...dresses.map(({ bytes }) => bytes.length));
  const found = new Set<string>();
  for (const entry of files) {
    const file = path.join(entry.parentPath, entry.name);
    for await (const { piece, line } of pieces(file, longest)) {
      for (const { kind, dress, bytes } of dresses) {
        const at = piece.indexOf(bytes);
        if (at !== -1) found.add(`${kind} ${dress} in ${path.relative(dir, file)}, line ${line + linesIn(piece.subarray(0, at))}`);
      }
    }
  }
  return [...found];
}

/** As it is, as hex digits, and as base64 at whatever place in a longer text. */
function dressesOf(canary: string): Map<string, Buffer> {
  const dresses = new Map([
    ["as it is", Buffer.from(canary)],
    ["in hex", Buffer.from(Buffer.from(canary).toString("hex"))],
  ]);
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.from("\0".repeat(before) + canary).toString("base64");
    // What the neighbours have no part in.
    const own = encoded.slice(Math.ceil((before * 4) / 3), encoded.replace(/=+$/, "").length - 1);
    dresses.set(`in base64, ${before} bytes behind`, Buffer.from(own));
  }
  return dresses;
}

/** A file in pieces that overlap by so much, so that nothing is cut in two; `line` is that of the piece's first byte. */
async function* pieces(file: string, overlap: number): AsyncGenerator<{ readonly piece: Buffer; readonly line: number }> {
  let kept = Buffer.alloc(0);
  let line = 1;
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) {
    const piece = Buffer.concat([kept, chunk as Buffer]);
    yield { piece, line };
    kept = piece.subarray(Math.max(0, piece.length - overlap + 1));
    line += linesIn(piece.subarray(0, piece.length - kept.length));
  }
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}
