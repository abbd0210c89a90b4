import type { Command } from "../redis.ts";

const slotCount = 16_384;
const [openingBrace, closingBrace] = [0x7b, 0x7d];

/** Commands of ours that name no key: any master answers them. */
const keyless = new Set(["INFO", "PING", "TIME"]);

/** The slot of a Cluster that a command belongs to; `undefined` for one that names no key. */
export function commandSlot([name, ...words]: Command): number | undefined {
  const isScript = name === "EVAL" || name === "EVALSHA";
  if (isScript ? words[1] === "0" : keyless.has(name as string)) return undefined;
  const key = words[isScript ? 2 : 0]!;
  return keySlot(typeof key === "string" ? new TextEncoder().encode(key) : key);
}

/** The slot of a key, or of what stands in its first braces if that is not nothing. @see Redis Cluster specification, "Hash tags" */
export function keySlot(key: Uint8Array): number {
  const open = key.indexOf(openingBrace);
  const close = open < 0 ? -1 : key.indexOf(closingBrace, open + 1);
  return crc16(close > open + 1 ? key.subarray(open + 1, close) : key) % slotCount;
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc;
}
