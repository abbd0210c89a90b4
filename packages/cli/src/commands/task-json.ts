import type { StoredTask } from "@asynqjs/core/inspector";

/** A task as `--json` shows it: times in ISO 8601, bytes as text where they are UTF-8. */
export function taskJson({ payload, result, ...task }: StoredTask): object {
  return { ...withNulls(task), payload: bytesJson(payload), result: bytesJson(result) };
}

/** The text of UTF-8, other bytes as base64, `null` for none. */
export function bytesJson(bytes: Uint8Array | undefined): string | { readonly base64: string } | null {
  if (bytes === undefined) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString("base64") };
  }
}

/** What is not there is `null`, so that every task has the same names. */
function withNulls(task: object): object {
  return Object.fromEntries(Object.entries(task).map(([name, value]) => [name, value ?? null]));
}
