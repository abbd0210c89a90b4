import { Refusal } from "./errors.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Timer } from "./redis-link.ts";

/** Reads the body of a request and holds it for as long as `use` takes. */
export type BodyReader = <T>(request: Request, use: (body: Buffer) => Promise<T>) => Promise<T>;

/**
 * Makes the reader of request bodies. One body has at most `maxBodyBytes` and is refused where it grows beyond, and all that are held at a
 * time `maxBufferedBytes` together; each has to be there after `bodyTimeoutMs`.
 *
 * @returns a reader that throws {@link Refusal}: 413, 429, 408; 400 when the client breaks off.
 */
export function makeBodyReader({ maxBodyBytes, maxBufferedBytes, bodyTimeoutMs }: GatewayLimits, timer: Timer): BodyReader {
  let buffered = 0;

  return async (request, use) => {
    let held = 0;
    const hold = (bytes: number): void => {
      if (buffered + bytes > maxBufferedBytes) throw new Refusal(429, "ERR too many bytes in flight; try again");
      buffered += bytes;
      held += bytes;
    };
    try {
      return await use(await readWithin(bodyTimeoutMs, timer, (late) => read(request, maxBodyBytes, hold, late)));
    } finally {
      buffered -= held;
    }
  };
}

async function readWithin<T>(timeoutMs: number, timer: Timer, read: (late: Promise<never>) => Promise<T>): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = timer(timeoutMs, () => reject(new Refusal(408, `ERR the request body did not arrive within ${timeoutMs} ms`)));
  });
  late.catch(() => {});
  try {
    return await read(late);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, "ERR the request body broke off");
  } finally {
    cancel();
  }
}

async function read(request: Request, maxBytes: number, hold: (bytes: number) => void, late: Promise<never>): Promise<Buffer> {
  const announced = request.headers.get("content-length") ?? "";
  // Node refuses a length that is none; where the app is mounted otherwise it would be counted as no number.
  if (/^\d+$/.test(announced) && !request.headers.has("transfer-encoding")) {
    if (Number(announced) > maxBytes) throw tooLarge(maxBytes, announced);
    hold(Number(announced));
    return Buffer.from(await Promise.race([request.arrayBuffer(), late]));
  }
  const reader = request.body?.getReader();
  if (reader === undefined) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const { value } = await Promise.race([reader.read(), late]);
      if (value === undefined) return Buffer.concat(chunks);
      bytes += value.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes, `more than ${maxBytes}`);
      hold(value.byteLength);
      chunks.push(value);
    }
  } finally {
    // Of a body that was read to its end this does nothing.
    reader.cancel().catch(() => {});
  }
}

function tooLarge(maxBytes: number, actual: string): Refusal {
  return new Refusal(413, `ERR max request size exceeded. Limit: ${maxBytes} bytes, Actual: ${actual} bytes`);
}
