import { createHash, timingSafeEqual } from "node:crypto";
import { GatewayOptionError } from "./errors.ts";

/**
 * Makes the check of an `Authorization` header against the accepted tokens.
 *
 * SHA-256 digests are compared by `timingSafeEqual`, each with every token, so the time tells neither a prefix, nor a length, nor which
 * token it was.
 *
 * @throws {GatewayOptionError} no token, or one that cannot stand in an HTTP header.
 */
export function makeTokenCheck(tokens: readonly string[]): (authorization: string | undefined) => boolean {
  if (tokens.length === 0) throw new GatewayOptionError("tokens", "at least one");
  if (!tokens.every((token) => /^[\x21-\x7e]+$/.test(token))) {
    throw new GatewayOptionError("tokens", "visible ASCII characters without spaces, at least one each");
  }
  const accepted = tokens.map(digest);
  return (authorization) => {
    const [, presented] = /^Bearer +(.*)$/is.exec(authorization ?? "") ?? [];
    const found = digest(presented ?? "");
    return accepted.reduce((matched, token) => timingSafeEqual(token, found) || matched, false);
  };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
