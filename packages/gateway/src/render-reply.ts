import type { Reply } from "./reply.ts";

/** How strings of a reply are written: as UTF-8 text with U+FFFD for what is none, or, byte for byte, as base64. */
export type ReplyEncoding = "text" | "base64";

/** Writes the body `{"result":…}` or `{"error":"…"}` of one reply. */
export function renderBody(reply: Reply, encoding: ReplyEncoding): string {
  if (reply.kind === "error") return `{"error":${JSON.stringify(reply.text)}}`;
  // Upstash leaves a status OK plain under base64. Inside an array it is encoded like any string: there @upstash/redis decodes every
  // string, and would read a plain OK as "8".
  if (reply.kind === "status" && reply.text === "OK") return '{"result":"OK"}';
  return `{"result":${renderValue(reply, encoding)}}`;
}

function renderValue(reply: Reply, encoding: ReplyEncoding): string {
  switch (reply.kind) {
    case "integer":
      // The digits themselves: JSON has integers of any size, a JavaScript number has not.
      return reply.text;
    case "bulk":
      return encoding === "base64" ? `"${reply.bytes.toString("base64")}"` : JSON.stringify(reply.bytes.toString("utf8"));
    case "status":
      return JSON.stringify(encoding === "base64" ? Buffer.from(reply.text).toString("base64") : reply.text);
    case "error":
      return `{"error":${JSON.stringify(reply.text)}}`;
    case "array":
      return `[${reply.items.map((item) => renderValue(item, encoding)).join(",")}]`;
    case "nil":
    case "nil-array":
      return "null";
  }
}
