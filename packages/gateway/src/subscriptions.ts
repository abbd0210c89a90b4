import { stayConnected } from "@asynqjs/core/redis/ioredis";
import type { Redis } from "ioredis";
import { NoAnswerError, Refusal } from "./errors.ts";

/** The two ways to name channels. */
export type SubscriptionKind = "subscribe" | "psubscribe";

/** Who reads the messages of its subscriptions, and is told when they begin, begin anew, and end. */
export interface SubscriptionReader {
  /** Redis confirmed it; also after the connection was lost and is back, when messages may have been missed. */
  subscribed(name: string): void;
  /** A message; `name` is the channel subscribed to, or the pattern that matched. */
  message(name: string, channel: string, payload: string): void;
  /** The gateway closes. */
  end(): void;
}

/** One connection in subscriber mode that all readers share, opened by the first. */
export interface Subscriptions {
  /**
   * Subscribes a reader to channels or patterns, and answers how to leave them; leaving may be repeated.
   *
   * @throws {NoAnswerError} Redis is away or did not confirm. The reader has left again.
   * @throws {Refusal} 400: Redis refused, in its words.
   */
  join(kind: SubscriptionKind, names: readonly string[], reader: SubscriptionReader): Promise<() => void>;
  /** Ends all readers and the connection. May be repeated. */
  close(): void;
}

interface Topic {
  readonly readers: Set<SubscriptionReader>;
  readonly confirmed: Promise<unknown>;
}

const kinds = ["subscribe", "psubscribe"] as const;
const undo = { subscribe: "unsubscribe", psubscribe: "punsubscribe" } as const;

/** Shares one subscriber. @param makeClient makes a client that is not connected yet. */
export function openSubscriptions(makeClient: () => Redis): Subscriptions {
  const topics = { subscribe: new Map<string, Topic>(), psubscribe: new Map<string, Topic>() };
  let client: Redis | undefined;
  let letGo: (() => void) | undefined;
  let connecting: Promise<void> | undefined;
  let closed = false;

  const readersOf = (kind: SubscriptionKind, name: string): readonly SubscriptionReader[] => [...(topics[kind].get(name)?.readers ?? [])];

  function makeSubscriber(): Redis {
    const subscriber = makeClient();
    subscriber.on("error", () => {});
    letGo = stayConnected(subscriber);
    subscriber.on("message", (channel: string, payload: string) => {
      for (const reader of readersOf("subscribe", channel)) reader.message(channel, channel, payload);
    });
    subscriber.on("pmessage", (pattern: string, channel: string, payload: string) => {
      for (const reader of readersOf("psubscribe", pattern)) reader.message(pattern, channel, payload);
    });
    subscriber.on("ready", () => {
      for (const kind of kinds) {
        for (const name of topics[kind].keys()) {
          const again = (): void => {
            for (const reader of readersOf(kind, name)) reader.subscribed(name);
          };
          // Should this fail, the connection broke once more, and is ready once more.
          subscriber[kind](name).then(again, () => {});
        }
      }
    });
    return subscriber;
  }

  async function connected(): Promise<Redis> {
    client ??= makeSubscriber();
    if (client.status === "wait") connecting ??= client.connect().catch(() => {});
    await connecting;
    if (closed || client.status !== "ready") throw new NoAnswerError("not-connected", "no connection to Redis; not subscribed");
    return client;
  }

  function leave(kind: SubscriptionKind, name: string, reader: SubscriptionReader): void {
    const topic = topics[kind].get(name);
    if (!topic?.readers.delete(reader) || topic.readers.size > 0) return;
    topics[kind].delete(name);
    if (client?.status === "ready") client[undo[kind]](name).catch(() => {});
  }

  async function join(kind: SubscriptionKind, names: readonly string[], reader: SubscriptionReader): Promise<() => void> {
    const subscriber = await connected();
    const leaveAll = (): void => {
      for (const name of names) leave(kind, name, reader);
    };
    try {
      for (const name of names) {
        let topic = topics[kind].get(name);
        if (topic === undefined) {
          topic = { readers: new Set(), confirmed: subscriber[kind](name) };
          topics[kind].set(name, topic);
        }
        topic.readers.add(reader);
        await topic.confirmed;
        reader.subscribed(name);
      }
    } catch (error) {
      leaveAll();
      if (error instanceof Error && error.name === "ReplyError") throw new Refusal(400, error.message);
      throw new NoAnswerError("timeout", "Redis did not confirm the subscription");
    }
    return leaveAll;
  }

  function close(): void {
    closed = true;
    letGo?.();
    client?.disconnect();
    for (const kind of kinds) {
      const readers = new Set([...topics[kind].values()].flatMap((topic) => [...topic.readers]));
      topics[kind].clear();
      for (const reader of readers) reader.end();
    }
  }

  return { join, close };
}
