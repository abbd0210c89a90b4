const encoder = new TextEncoder();

/** Text as UTF-8, by one encoder for all: to make one for each text costs as much as its bytes. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
