import type { Clock } from "../clock.ts";
import type { Delivered } from "../errors.ts";
import type { CommandResult, Reply } from "../redis.ts";
import { refusal } from "./refusal.ts";

/** Posts a JSON text and answers as soon as the head of the response is there. */
export type Post = (body: string, signal: AbortSignal) => Promise<Response>;

/** Why a try was not answered: nothing of it may be shown but these words, which hold nothing of what was sent. */
export interface HttpFailure {
  readonly why: string;
  readonly delivered: Delivered;
  /** Whether the same request may fare better. */
  readonly again?: boolean;
  /** How long the other side asks to be left alone. */
  readonly waitMs?: number;
  readonly status?: number;
  readonly cause?: unknown;
}

/** Errors of Node that tell that no byte left. Other runtimes have no such words, so there it stays unknown. */
const unsent = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/;

/** One HTTP request of these commands, each as JSON: one result per command in order, or why there is none. Never throws. */
export async function exchange(
  post: Post,
  texts: readonly string[],
  signal: AbortSignal,
  clock: Clock,
): Promise<readonly CommandResult[] | HttpFailure> {
  try {
    const response = await post(`[${texts.join()}]`, signal);
    const { ok, status, headers } = response;
    // Read to its end in any case: a body left alone would hold its connection.
    const body = await response.text().catch((error: unknown) => {
      if (ok) throw error;
      return "";
    });
    const again = ok || status === 408 || status === 429 || status >= 500;
    const delivered = again || status < 400 ? "unknown" : "no";
    let why = `status ${status}`;
    if (ok) {
      try {
        const answers = JSON.parse(body) as { readonly result?: unknown; readonly error?: unknown }[];
        const results = answers.map(({ result, error }) =>
          typeof error === "string" ? { error: refusal(error) } : { reply: readReply(result) },
        );
        if (results.length === texts.length) return results;
      } catch {}
      why = "an answer that cannot be read";
    } else if (status < 400) why = "it redirects elsewhere, and the token goes only to the url given";
    else {
      // What a refusal says of itself: the leading plain words, which end before anything it might quote.
      const saying = /^\s*{\s*"error"\s*:\s*"([A-Z]+( [a-zA-Z0-9.,:]{1,20})*)/.exec(body);
      if (saying) why += `, ${saying[1]}`;
    }
    // Seconds or a date; neither, and it asks for nothing.
    const wait = headers.get("Retry-After")!;
    return { why, delivered, again, waitMs: Math.max(0, +wait * 1000 || Date.parse(wait) - clock.nowMs()) || 0, status };
  } catch (error) {
    const { cause = error } = Object(error) as { readonly cause?: unknown };
    const { code } = Object(cause) as { readonly code?: unknown };
    // The code alone: the texts of a runtime may quote the url.
    const why = typeof code === "string" && /^[A-Z_]+$/.test(code) ? code : "the connection failed";
    return { why, delivered: unsent.test(why) ? "no" : "unknown", again: true };
  }
}

/**
 * Strings are base64, whose length is a multiple of four, so a status `OK` is never mistaken for one.
 * @throws {Error} it is no reply
 */
function readReply(value: unknown): Reply {
  if (value === null || typeof value === "number") return value;
  if (typeof value !== "string") return (value as unknown[]).map(readReply);
  if (value !== "OK" && value.length % 4 > 0) throw new Error();
  const binary = value === "OK" ? value : atob(value);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
