import { encodeText, hex } from "@asynqjs/core";

/** The second, by the caller's clock, at which a request was signed. */
export const timestampHeader = "Asynqjs-Timestamp";

/** `v1=` and 64 hexadecimal digits, lower case. */
export const signatureHeader = "Asynqjs-Signature";

/** How far a signed request's time may be from ours, before or behind. */
export const windowSec = 300;

/**
 * The signature of a request: HMAC-SHA-256, with the secret as its key, of `v1.<timestamp>.<SHA-256 of the body, in hexadecimal digits>`. The
 * body is hashed by itself, so that several secrets can be tried for the price of one.
 */
export async function signatureOf(secret: string, timestamp: string, bodyDigest: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", encodeText(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return `v1=${hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, encodeText(`v1.${timestamp}.${bodyDigest}`))))}`;
}

/** The SHA-256 of a body, as it stands in what is signed. */
export async function digestOf(body: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
}
