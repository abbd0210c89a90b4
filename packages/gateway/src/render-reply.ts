import type { Reply } from "./reply.ts";

/**
 * How replies are written: as JSON with strings as UTF-8 text, U+FFFD for what is none; as JSON with strings as base64, byte for byte; or as
 * Redis wrote them.
 */
export type ReplyFormat = "text" | "base64" | "resp2";

/** Writes the body of one reply: `{"result":…}` or `{"error":"…"}`, or RESP2. */
export function renderReply(reply: Reply, format: ReplyFormat): string | Buffer {
  return format === "resp2" ? renderResp2([reply]) : renderBody(reply, format);
}

/** Writes the body of the replies of a pipeline or transaction: an array of such objects, or one RESP2 reply after the other. */
export function renderReplies(replies: readonly Reply[], format: ReplyFormat): string | Buffer {
  return format === "resp2" ? renderResp2(replies) : `[${replies.map((reply) => renderBody(reply, format)).join(",")}]`;
}

function renderBody(reply: Reply, encoding: "text" | "base64"): string {
  if (reply.kind === "error") return `{"error":${JSON.stringify(reply.text)}}`;
  // Upstash leaves a status OK plain under base64. Inside an array it is encoded like any string: there @upstash/redis decodes every
  // string, and would read a plain OK as "8".
  if (reply.kind === "status" && reply.text === "OK") return '{"result":"OK"}';
  return `{"result":${renderValue(reply, encoding)}}`;
}

function renderValue(reply: Reply, encoding: "text" | "base64"): string {
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

function renderResp2(replies: readonly Reply[]): Buffer {
  return Buffer.concat(replies.flatMap(piecesOf));
}

function piecesOf(reply: Reply): Buffer[] {
  switch (reply.kind) {
    case "status":
      return [line(`+${reply.text}`)];
    case "error":
      return [line(`-${reply.text}`)];
    case "integer":
      return [line(`:${reply.text}`)];
    case "nil":
      return [line("$-1")];
    case "nil-array":
      return [line("*-1")];
    case "bulk":
      return [line(`$${reply.bytes.length}`), reply.bytes, line("")];
    case "array":
      return [line(`*${reply.items.length}`)].concat(reply.items.flatMap(piecesOf));
  }
}

/** An error of the gateway may repeat a word of the caller; a line break in it would end the reply. */
function line(text: string): Buffer {
  return Buffer.from(`${text.replaceAll(/[\r\n]/g, " ")}\r\n`);
}
