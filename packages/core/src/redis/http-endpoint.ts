import { demand } from "../demand.ts";

/**
 * Where commands are posted to, below the url of an Upstash-compatible Redis. Never tells the url: it may hold a secret.
 * @throws {InvalidOptionError} names `option`
 */
export function pipelineUrl(option: string, url: unknown): string {
  // fetch would refuse credentials with a text that quotes them.
  const fits = typeof url === "string" && URL.canParse(url) && /^https?:\/\/[^@/?#\\]+([/\\][^?#]*)?$/i.test(url);
  demand(fits, option, "expected an http(s) URL without credentials, query or fragment");
  return `${url.replace(/\/+$/, "")}/pipeline`;
}

/**
 * The header that proves who asks. A token that no header may hold is refused here: fetch would quote it.
 * @throws {InvalidOptionError} names `option`, never the token
 */
export function bearer(option: string, token: unknown): string {
  demand(typeof token === "string" && /^[\x21-\x7e]+$/.test(token), option, "expected one or more printable characters without spaces");
  return `Bearer ${token}`;
}
