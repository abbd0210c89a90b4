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
  readonly again: boolean;
  /** How long the other side asks to be left alone. */
  readonly waitMs: number;
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

/** One HTTP request of these commands, each as JSON: one result per command in order, or why there is none. Never throws. */
export function tryOnce(
  post: Post,
  texts: readonly string[],
  { clock, withinMs, signal }: { readonly clock: Clock; readonly withinMs: number; readonly signal: AbortSignal | undefined },
): Promise<readonly CommandResult[] | HttpFailure> {
  return new Promise((resolve) => {
    const request = new AbortController();
    const settle = (answer: readonly CommandResult[] | HttpFailure): void => {
      cancel();
      signal?.removeEventListener("abort", giveUp);
      resolve(answer);
    };
    // Settled first: whether and when a runtime's fetch heeds its signal is its own affair.
    const stop = (failure: HttpFailure): void => {
      settle(failure);
      request.abort();
    };
    const giveUp = (): void => stop(givenUp(signal, "unknown"));
    const cancel = clock.after(withinMs, () => stop(failure("no answer in time", "unknown", true)));
    signal?.addEventListener("abort", giveUp, { once: true });
    exchange(post, texts, request.signal, clock).then(settle, (error: unknown) => settle(unreachable(error)));
  });
}

/** The caller's signal aborted. */
export function givenUp(signal: AbortSignal | undefined, delivered: Delivered): HttpFailure {
  return { ...failure("given up by its caller", delivered, false), cause: signal?.reason };
}

/** A failure that no response tells of. */
export function failure(why: string, delivered: Delivered, again: boolean): HttpFailure {
  return { why, delivered, again, waitMs: 0 };
}

async function exchange(post: Post, texts: readonly string[], signal: AbortSignal, clock: Clock) {
  const response = await post(`[${texts.join(",")}]`, signal);
  const { status, headers } = response;
  if (response.ok) {
    return readResults(await response.text(), texts.length) ?? { ...failure("an answer that cannot be read", "unknown", true), status };
  }
  // Read to its end in any case: a body left alone would hold its connection.
  const body = await response.text().catch(() => "");
  if (status < 400) return { ...failure("it redirects elsewhere, and the token goes only to the url given", "unknown", false), status };
  const again = status === 408 || status === 429 || status >= 500;
  return {
    why: `status ${status}${readSaying(body)}`,
    delivered: again ? "unknown" : "no",
    again,
    waitMs: readRetryAfterMs(headers.get("Retry-After"), clock),
    status,
  } as const;
}

/** Errors of Node that tell that no byte left. Other runtimes have no such words, so there it stays unknown. */
const unsent = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/;

/** Keeps the code alone: the texts of a runtime may quote the url. */
function unreachable(error: unknown): HttpFailure {
  const { cause } = Object(error) as { readonly cause?: unknown };
  const { code } = Object(cause ?? error) as { readonly code?: unknown };
  const word = typeof code === "string" && /^[A-Z_]+$/.test(code) ? code : "the connection failed";
  return failure(word, unsent.test(word) ? "no" : "unknown", true);
}

/** What a refusal says of itself: the leading plain words, which end before anything it might quote. */
function readSaying(body: string): string {
  const { error } = Object(parse(body)) as { readonly error?: unknown };
  const saying = typeof error === "string" ? /^[A-Z]+( [a-zA-Z0-9.,:]{1,20})*/.exec(error)?.[0] : undefined;
  return saying === undefined ? "" : `, ${saying}`;
}

function readRetryAfterMs(value: string | null, clock: Clock): number {
  if (value === null) return 0;
  const seconds = Number(value);
  const waitMs = Number.isNaN(seconds) ? Date.parse(value) - clock.nowMs() : seconds * 1000;
  return Math.max(0, waitMs) || 0;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** `undefined` for anything but one readable result per command. */
function readResults(body: string, count: number): CommandResult[] | undefined {
  const answers = parse(body);
  if (!Array.isArray(answers) || answers.length !== count) return undefined;
  const results: CommandResult[] = [];
  for (const answer of answers) {
    const { result, error } = Object(answer) as { readonly result?: unknown; readonly error?: unknown };
    const reply = readReply(result);
    if (typeof error === "string") results.push({ error: refusal(error) });
    else if (reply === undefined) return undefined;
    else results.push({ reply });
  }
  return results;
}

/** Strings are base64, whose length is a multiple of four, so a status `OK` is never mistaken for one. */
function readReply(value: unknown): Reply | undefined {
  if (value === null || typeof value === "number") return value;
  if (Array.isArray(value)) {
    const replies = value.map(readReply);
    return replies.includes(undefined) ? undefined : (replies as Reply[]);
  }
  if (value === "OK") return Uint8Array.of(79, 75);
  return typeof value === "string" && value.length % 4 === 0 ? readBase64(value) : undefined;
}

function readBase64(text: string): Uint8Array | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
