import type { HostPort, ParsedRedis } from "@asynqjs/core/redis/ioredis";
import { Link } from "./link.ts";
import { openConnection } from "./open-connection.ts";
import type { RawReply } from "./reply-parser.ts";

type SentinelRedis = Extract<ParsedRedis, { readonly kind: "sentinel" }>;

/** Where a Sentinel tells that a master was replaced. */
const channel = "+switch-master";
/** A Sentinel that is away may be so for long, and the others tell the same. */
const longestBackOffMs = 30_000;

/**
 * Hears from each Sentinel, on a connection of its own, when another Redis takes the master's place: one that is frozen, or cut off from them
 * all, keeps its connections open and may go on answering for nobody. Answers how to end that.
 */
export function failoverDetector(redis: SentinelRedis, onSwitch: (to: HostPort) => void): () => void {
  const { sentinels, master, sentinelUsername: username, sentinelPassword: password, tls } = redis;
  const links = sentinels.map((sentinel) => {
    const link = new Link(
      (signal) => openConnection({ ...sentinel, username, password, tls }, signal),
      {
        onOpen(connection) {
          connection.onMessage = (message) => {
            const to = readSwitch(message, master);
            if (to !== undefined) onSwitch(to);
          };
          connection.call([["SUBSCRIBE", channel]]).then(
            // One that lets nobody subscribe is asked again when its connection is another.
            () => {},
            () => {},
          );
        },
      },
      { stays: true, longestBackOffMs },
    );
    link.begin();
    return link;
  });
  return () => {
    for (const link of links) link.close();
  };
}

/** Reads `message`, the channel, and `name host port host port`: where a master was, and where it is. */
function readSwitch(message: RawReply, master: string): HostPort | undefined {
  if (!Array.isArray(message)) return undefined;
  const [name, , , host, port] = Buffer.from((message[2] as Uint8Array | undefined) ?? [])
    .toString()
    .split(" ");
  return name === master && host !== undefined ? { host, port: Number(port) } : undefined;
}
