/** Payloads and results as Asynq's CLI and its dashboard show them. @module */

/** The text of a payload, or that it is none: `non-printable bytes` is also what is empty, blank, or has a newline. */
export function printableText(bytes: Uint8Array | undefined): string {
  const text = utf8Text(bytes ?? new Uint8Array());
  return text !== undefined && /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(text) && /[^ ]/.test(text) ? text : "non-printable bytes";
}

/** The same in the dashboard, which tells of what is not there, and takes other spaces too. */
export function dashText(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "<nil>";
  const text = utf8Text(bytes);
  return text !== undefined && /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]+$/u.test(text) && /[^\p{Zs}]/u.test(text) ? text : "<non-printable>";
}

/** `undefined` for what is no UTF-8. */
function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
