import { shortText } from "@asynqjs/core";

/** The longest error text that is stored with a task, in bytes of UTF-8. */
export const maxErrorTextBytes = 4096;

/**
 * The text that is stored for whatever a handler threw: an error's message, a string itself, the JSON of plain values, a word for the rest.
 * Well-formed, without NUL, at most 4 KiB and never cut inside a character, since one broken byte makes the message unreadable for Go. Never throws.
 */
export function errorText(thrown: unknown): string {
  let text: string;
  try {
    text = describe(thrown);
  } catch {
    text = "handler threw something that cannot be shown";
  }
  return shortText(text, maxErrorTextBytes) || "handler threw an error without text";
}

function describe(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message) || String(thrown.name);
  if (typeof thrown === "string") return thrown || "handler threw an empty string";
  if (typeof thrown === "object" && thrown !== null) {
    // An error of another realm or a look-alike.
    if ("message" in thrown && typeof thrown.message === "string" && thrown.message !== "") return thrown.message;
    return `handler threw ${JSON.stringify(thrown) ?? "an object"}`;
  }
  return `handler threw ${String(thrown)}`;
}
