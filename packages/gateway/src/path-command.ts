import type { Command } from "./command.ts";
import { Refusal } from "./errors.ts";

/**
 * Reads a command from a URL: `/set/key/value?EX=100` is `SET key value EX 100`. Of `POST /set/key?EX=100` the body is the value: it
 * stands after the path and before the parameters, byte for byte, if there is one. `_token` is no part of the command.
 *
 * Every segment is an argument, an empty one too. A parameter without `=` is one argument, with `=` two. What is percent-encoded may be any
 * byte; in a parameter `+` is a space.
 *
 * @param target the path behind where the gateway is mounted, and the query, as the client wrote them
 * @throws {Refusal} 400: no command, or a percent sign that encodes nothing.
 */
export function readPathCommand(target: string, body: Buffer): Command {
  const { path, parameters } = splitTarget(target);
  const [name, ...args] = path.map(decodePercent);
  if (name === "") throw new Refusal(400, "ERR empty command");
  if (typeof name !== "string") throw new Refusal(400, unreadable);
  return [name, ...args, ...(body.length > 0 ? [body] : []), ...parameters];
}

/** Reads the names of channels from `/subscribe/a/b`. @throws {Refusal} 400: none, or one that is no UTF-8. */
export function readPathNames(target: string): string[] {
  const names = splitTarget(target).path.slice(1).map(decodePercent);
  if (names.length === 0) throw new Refusal(400, "ERR wrong number of arguments: name a channel in the path");
  return names.map((name) => {
    if (typeof name !== "string") throw new Refusal(400, unreadable);
    return name;
  });
}

const unreadable = "ERR failed to parse command";

function splitTarget(target: string): { path: string[]; parameters: (string | Uint8Array)[] } {
  const [path, query] = splitAt(target, "?");
  const parameters = (query ?? "")
    .split("&")
    .filter((parameter) => parameter !== "")
    .map((parameter) => splitAt(parameter.replaceAll("+", " "), "=").map((part) => (part === undefined ? undefined : decodePercent(part))))
    .filter(([name]) => name !== "_token")
    .flat()
    .filter((part) => part !== undefined);
  return { path: path.slice(1).split("/"), parameters };
}

function splitAt(text: string, separator: string): [before: string, after: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Text, or the bytes where they are no UTF-8. */
function decodePercent(encoded: string): string | Uint8Array {
  if (!encoded.includes("%")) return encoded;
  if (/%(?![0-9a-f]{2})/i.test(encoded)) throw new Refusal(400, unreadable);
  try {
    return decodeURIComponent(encoded);
  } catch {
    return Buffer.concat(
      encoded.split(/(%[0-9a-f]{2})/i).map((part) => (part.startsWith("%") ? Buffer.from(part.slice(1), "hex") : Buffer.from(part))),
    );
  }
}
