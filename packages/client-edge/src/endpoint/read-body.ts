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
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(bodyTimeoutMs, () => reject(new Refusal("BODY_TIMEOUT", `the body did not arrive within ${bodyTimeoutMs} ms`)));
  });
  late.catch(() => {});
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { value } = await Promise.race([reader.read(), late]);
      if (value === undefined) break;
      length += value.byteLength;
      if (length > maxBodyBytes) throw tooLarge;
      chunks.push(value);
    }
  } catch (error) {
    // Of a stream that failed this does nothing.
    reader.cancel().catch(() => {});
    if (error instanceof Refusal) throw error;
    throw new Refusal("BODY_INCOMPLETE", "the body broke off");
  } finally {
    cancel();
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}
