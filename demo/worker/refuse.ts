/** The answer to a request that failed: by the error's `code`, which is stable, never by its class or text. */
export function refuse(error: Error): Response {
  const { code, delivered } = error as Error & { code?: string; delivered?: string };
  switch (code) {
    case "BAD_REQUEST":
    case "INVALID_OPTION":
      return answer(400, { error: error.message, code });
    case "DUPLICATE_TASK":
    case "TASK_ID_CONFLICT":
      return answer(409, { error: error.message, code });
    // "no": nothing was written, send it again as you like. "unknown": it may have been.
    case "REDIS":
      return answer(503, { error: error.message, code, delivered });
    default:
      console.error(error);
      return answer(500, { error: "internal error" });
  }
}

function answer(status: number, body: Readonly<Record<string, string | undefined>>): Response {
  return Response.json(body, { status });
}
