import { spawnSync } from "node:child_process";
import { readBlocks } from "./run-readme.ts";

/** A request that a README makes, with what it says of the answer. */
export interface CurlRequest {
  readonly url: URL;
  readonly init: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string };
}

/** The requests of a README's lines that call curl, as a shell with these variables reads them. */
export function readCurls(readme: string, env: Readonly<Record<string, string>>): CurlRequest[] {
  const lines = readBlocks(readme)
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .filter((line) => line.startsWith("curl "));
  const said = spawnSync("bash", ["-euc", `curl() { printf '%s\\0' "$@" ''; }\n${lines.join("\n")}`], {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  if (said.status !== 0) throw new Error(said.stderr);
  return said.stdout
    .split("\0\0")
    .filter(Boolean)
    .map((words) => read(words.split("\0")));
}

function read(words: readonly string[]): CurlRequest {
  const headers: Record<string, string> = {};
  let [url, body]: [string | undefined, string | undefined] = [undefined, undefined];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "-H") {
      const [name, value] = words[++at]!.split(": ") as [string, string];
      headers[name] = value;
    } else if (word === "-d") body = words[++at];
    else if (word.startsWith("http")) url = word;
    else if (word !== "-i") throw new Error(`curl ${word}: not known here`);
  }
  return { url: new URL(url!), init: { method: body === undefined ? "GET" : "POST", headers, ...(body === undefined ? {} : { body }) } };
}
