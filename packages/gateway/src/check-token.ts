import { createHash, timingSafeEqual } from "node:crypto";
import { type GatewayToken, type Grant, resolveTokens } from "./token.ts";

/** Looks a presented token up; `undefined` is nobody's. */
export type TokenCheck = (presented: string) => Grant | undefined;

/**
 * Makes the check of presented tokens against the accepted ones.
 *
 * SHA-256 digests are compared by `timingSafeEqual`, each with every token, so the time tells neither a prefix, nor a length, nor which
 * token it was.
 *
 * @throws {GatewayOptionError} as `resolveTokens`.
 */
export function makeTokenCheck(tokens: readonly GatewayToken[]): TokenCheck {
  const accepted = resolveTokens(tokens).map(({ token, grant }) => ({ digest: digest(token), grant }));
  return (presented) => {
    const found = digest(presented);
    return accepted.reduce<Grant | undefined>(
      (matched, { digest, grant }) => (timingSafeEqual(digest, found) ? grant : matched),
      undefined,
    );
  };
}

/** The token of a request: of its `Authorization` header, else of its `_token` parameter. Empty where there is none. */
export function presentedToken(authorization: string | undefined, url: string): string {
  if (authorization !== undefined) return /^Bearer +(.*)$/is.exec(authorization)?.[1] ?? "";
  const query = url.indexOf("?");
  return query < 0 ? "" : (new URLSearchParams(url.slice(query)).get("_token") ?? "");
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
