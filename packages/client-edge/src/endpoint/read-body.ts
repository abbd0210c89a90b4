import type { Clock } from "@asynqjs/core";
import { Refusal } from "./refusal.ts";

/** How much may come in a body, and how long it may take. */
export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * Reads the body of a request, and no more of it than is allowed, whatever length was announced.
 * @throws {Refusal} it is larger, it takes longer, or it breaks off
 */
export async function readBody(request: Request, { maxBodyBytes, bodyTimeoutMs, clock }: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = new Refusal("BODY_TOO_LARGE", `expected a body of at most ${maxBodyBytes} bytes`);
  if (Number(request.headers.get("Content-Length") ?? 0) > maxBodyBytes) throw tooLarge;
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let late: Refusal | undefined;
  let giveUp = (_: Refusal): void => {};
  const cancel = clock.after(bodyTimeoutMs, () => {
    late = new Refusal("BODY_TIMEOUT", `the body did not arrive within ${bodyTimeoutMs} ms`);
    giveUp(late);
  });
  // No race with one promise for all: that would keep what waited for each piece until the end.
  const next = (): ReturnType<typeof reader.read> =>
    new Promise((resolve, reject) => {
      giveUp = reject;
      if (late === undefined) reader.read().then(resolve, reject);
      else reject(late);
    });
  // What is read is put together at once: a stranger's body of single bytes would weigh hundreds of times as much in pieces.
  let body = new Uint8Array(Math.min(maxBodyBytes, 16_384));
  let length = 0;
  try {
    for (;;) {
      const { value } = await next();
      if (value === undefined) break;
      const end = length + value.byteLength;
      if (end > maxBodyBytes) throw tooLarge;
      if (end > body.byteLength) {
        const larger = new Uint8Array(Math.min(maxBodyBytes, Math.max(end, 2 * body.byteLength)));
        larger.set(body);
        body = larger;
      }
      body.set(value, length);
      length = end;
    }
  } catch (error) {
    // Of a stream that failed this does nothing.
    reader.cancel().catch(() => {});
    if (error instanceof Refusal) throw error;
    throw new Refusal("BODY_INCOMPLETE", "the body broke off");
  } finally {
    cancel();
  }
  return body.slice(0, length);
}
