import { connect, type Socket } from "node:net";
import type { Redis } from "ioredis";

/** What others ask of a Redis, as `MONITOR` shows it. */
export interface WatchedCommands {
  /** Every command that was asked, scripts' own ones not among them: `evalsha`, `client|tracking`. */
  readonly plain: ReadonlySet<string>;
  /** Every command that is named in a script that was sent as text, whether this run came by there or not. */
  readonly named: ReadonlySet<string>;
  /** What scripts did ask. */
  readonly inScripts: ReadonlySet<string>;
  /** Ends it when everything that was asked before has been shown. */
  stop(): Promise<void>;
}

const line = /^\+\d+\.\d+ \[\d+ (?<from>[^\]]+)\] "(?<name>[^"]+)"(?: "(?<first>(?:[^"\\]|\\.)*)")?/;

/** Commands whose first argument is a part of their name. */
const containers = new Set(["client", "memory", "config", "cluster", "script", "acl", "object"]);

/** The commands that a script names: it writes them in capitals, in quotes. */
export function namedIn(lua: string, known: ReadonlySet<string>): string[] {
  const words = Array.from(lua.matchAll(/"([A-Z]{3,})"/g), ([, word]) => word!.toLowerCase());
  return words.filter((word) => known.has(word)).map((word) => (word === "memory" ? "memory|usage" : word));
}

/**
 * Watches from now on. What this client asks is not looked at, nor what its scripts do.
 * @param known every name of a command that this Redis has, in small letters
 */
export async function watchCommands(redis: Redis, known: ReadonlySet<string>): Promise<WatchedCommands> {
  const { localPort, remotePort } = redis.stream as Socket;
  const seen = { plain: new Set<string>(), named: new Set<string>(), inScripts: new Set<string>() };
  const own = `127.0.0.1:${localPort}`;
  let rest = "";
  let looksAt = false;
  let ended = (): void => {};
  const read = (text: string): void => {
    const { from = "", name = "", first = "" } = line.exec(text)?.groups ?? {};
    const command = name.toLowerCase();
    const whole = containers.has(command) ? `${command}|${first.toLowerCase()}` : command;
    if (from === "lua") {
      // What a script asks follows its call.
      if (looksAt) seen.inScripts.add(whole);
      return;
    }
    looksAt = from !== own && name !== "";
    if (from === own && command === "echo") ended();
    if (!looksAt) return;
    seen.plain.add(whole);
    if (command === "eval") for (const word of namedIn(first.replaceAll('\\"', '"'), known)) seen.named.add(word);
  };
  const socket = connect(remotePort!, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.on("data", (chunk) => {
      const lines = (rest + chunk.toString("latin1")).split("\r\n");
      rest = lines.pop()!;
      for (const text of lines) {
        if (text === "+OK") resolve();
        else read(text);
      }
    });
    socket.write("MONITOR\r\n");
  });
  return {
    ...seen,
    async stop() {
      const shown = new Promise<void>((resolve) => {
        ended = resolve;
      });
      await redis.echo("the end");
      await shown;
      socket.destroy();
    },
  };
}
