/** An answer as plain data: bytes one character each, an error by its word, nothing that is undefined. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
  if (value instanceof Error) return wordOf(value);
  if (value instanceof Date) return value.getTime();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, one]) => (one === undefined ? [] : [[name, plain(one)]])));
}

/** What an error is told by: the reply of Redis, or its code. */
export function wordOf(error: Error): string {
  const { reply, code } = error as { reply?: string; code?: string };
  return reply ?? code ?? error.message;
}
