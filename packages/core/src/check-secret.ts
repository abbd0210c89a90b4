import { encodeText } from "./encode-text.ts";

/** A secret that is shorter can be found by trying. */
const leastLength = 16;

/** Whether a secret is there and long enough to be one. */
export function isSecret(secret: string | undefined): secret is string {
  return typeof secret === "string" && secret.length >= leastLength;
}

/** Whether both are the same: their SHA-256 digests are compared in full, so the time tells neither a prefix nor a length. */
export async function isSame(presented: string, secret: string): Promise<boolean> {
  const [a, b] = await Promise.all([presented, secret].map(digest));
  let difference = 0;
  for (const [i, byte] of a!.entries()) difference |= byte ^ b![i]!;
  return difference === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encodeText(text)));
}
