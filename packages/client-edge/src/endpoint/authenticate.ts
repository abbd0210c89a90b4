import { isSame } from "@asynqjs/core";
import type { KnownCaller } from "./callers.ts";
import { Refusal } from "./refusal.ts";
import { digestOf, signatureHeader, signatureOf, timestampHeader, windowSec } from "./signature.ts";

/** What a request shows for who sent it. A signature counts for more than a token: it is then the only thing that counts. */
type Shown =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "signature"; readonly signature: string; readonly timestamp: string };

/** Who sent a request, and what it says. */
export interface Authenticated {
  readonly caller: KnownCaller;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Finds out who sent a request, and reads its body: of a bearer only once the token is known, of a signer once the time is right. What was
 * shown is compared with every secret, as digests, so the time tells neither a prefix, nor whose secret it was.
 * @throws {Refusal} 503 where there is no secret at all, 401, or what `readBody` throws
 */
export async function authenticate(
  headers: Headers,
  callers: readonly KnownCaller[],
  nowMs: number,
  readBody: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Authenticated> {
  if (callers.every(({ secrets }) => secrets.length === 0))
    throw new Refusal("NOT_CONFIGURED", "no secret of 16 or more characters is set");
  const shown = readShown(headers);
  if (shown.kind === "token") {
    const caller = await findCaller(callers, (secret) => isSame(shown.token, secret));
    return { caller, body: await readBody() };
  }
  const { signature, timestamp } = shown;
  if (!/^\d{1,12}$/.test(timestamp)) throw unauthorized();
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > windowSec)
    throw new Refusal("TIMESTAMP_OUT_OF_WINDOW", `${timestampHeader} is more than ${windowSec} s from now`, challenge);
  const body = await readBody();
  const bodyDigest = await digestOf(body);
  const caller = await findCaller(callers, async (secret) => isSame(signature, await signatureOf(secret, timestamp, bodyDigest)));
  return { caller, body };
}

function readShown(headers: Headers): Shown {
  const signature = headers.get(signatureHeader);
  if (signature !== null) return { kind: "signature", signature, timestamp: headers.get(timestampHeader) ?? "" };
  const token = /^Bearer +(.+)$/i.exec(headers.get("Authorization") ?? "")?.[1];
  if (token === undefined) throw unauthorized();
  return { kind: "token", token };
}

/** Asks about every secret, also when one was found: a secret is of one caller. */
async function findCaller(callers: readonly KnownCaller[], holds: (secret: string) => Promise<boolean>): Promise<KnownCaller> {
  const asked = callers.flatMap((caller) => caller.secrets.map(async (secret) => ((await holds(secret)) ? caller : undefined)));
  const found = (await Promise.all(asked)).find((caller) => caller !== undefined);
  if (found === undefined) throw unauthorized();
  return found;
}

const challenge = { "WWW-Authenticate": "Bearer" };

function unauthorized(): Refusal {
  return new Refusal("UNAUTHORIZED", "expected a bearer token or a signature that is known here", challenge);
}
