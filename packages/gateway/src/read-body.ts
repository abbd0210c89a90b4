import { Refusal } from "./errors.ts";

/**
 * Reads a request body of at most `maxBytes`, and stops reading where it grows beyond.
 *
 * @throws {Refusal} 413.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Buffer> {
  const announced = request.headers.get("content-length");
  const chunked = request.headers.has("transfer-encoding");
  if (announced !== null && !chunked) {
    if (Number(announced) > maxBytes) throw tooLarge(maxBytes, announced);
    return Buffer.from(await request.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes, `more than ${maxBytes}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number, actual: string): Refusal {
  return new Refusal(413, `ERR max request size exceeded. Limit: ${maxBytes} bytes, Actual: ${actual} bytes`);
}
