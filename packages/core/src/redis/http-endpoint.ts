import { InvalidOptionError } from "../errors.ts";

/**
 * Where commands are posted to, below the url of an Upstash-compatible Redis. Never tells the url: it may hold a secret.
 * @throws {InvalidOptionError} names `option`
 */
export function pipelineUrl(option: string, url: unknown): string {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url as string);
  } catch {}
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) throw new InvalidOptionError(option, "expected an http(s) URL");
  // fetch would refuse credentials with a text that quotes them.
  if (parsed.username || parsed.password || parsed.search || parsed.hash)
    throw new InvalidOptionError(option, "expected no credentials, query or fragment in the URL");
  return `${parsed.href.replace(/\/+$/, "")}/pipeline`;
}

/**
 * The header that proves who asks. A token that no header may hold is refused here: fetch would quote it.
 * @throws {InvalidOptionError} names `option`, never the token
 */
export function bearer(option: string, token: unknown): string {
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token))
    throw new InvalidOptionError(option, "expected one or more printable characters without spaces");
  return `Bearer ${token}`;
}
