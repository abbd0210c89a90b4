/** Why a request was refused as a whole; nothing of it was enqueued, unless it is `INTERNAL`. */
export type RefusalCode =
  | "METHOD_NOT_ALLOWED"
  | "NOT_CONFIGURED"
  | "UNAUTHORIZED"
  | "TIMESTAMP_OUT_OF_WINDOW"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "BODY_TOO_LARGE"
  | "BODY_TIMEOUT"
  | "BODY_INCOMPLETE"
  | "INVALID_BODY"
  | "TOO_MANY_TASKS"
  | "RATE_LIMITED"
  | "INTERNAL";

/** The status of each. */
const statusOf = {
  METHOD_NOT_ALLOWED: 405,
  NOT_CONFIGURED: 503,
  UNAUTHORIZED: 401,
  TIMESTAMP_OUT_OF_WINDOW: 401,
  UNSUPPORTED_MEDIA_TYPE: 415,
  BODY_TOO_LARGE: 413,
  BODY_TIMEOUT: 408,
  BODY_INCOMPLETE: 400,
  INVALID_BODY: 400,
  TOO_MANY_TASKS: 413,
  RATE_LIMITED: 429,
  INTERNAL: 500,
} as const satisfies Record<RefusalCode, number>;

/** The answer to a request that is refused, thrown from wherever that is found. Its message goes to the caller: it holds nothing that came in. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RefusalCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }

  toResponse(): Response {
    const { code, message } = this;
    return answerJson({ error: { code, message } }, statusOf[code], this.headers);
  }
}

/** JSON that no cache keeps and no browser takes for anything else. */
export function answerJson(body: unknown, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      ...headers,
    },
  });
}
