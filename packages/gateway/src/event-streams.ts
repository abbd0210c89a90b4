import { Refusal } from "./errors.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Timer } from "./redis-link.ts";
import type { SubscriptionKind, SubscriptionReader, Subscriptions } from "./subscriptions.ts";

/** Opens a stream of server-sent events over what is published. */
export type EventStreamOpener = (kind: SubscriptionKind, names: readonly string[]) => Promise<ReadableStream<Uint8Array>>;

/** Proxies cut a connection on which nothing moves, commonly after 60 s. */
const keepAliveMs = 25_000;

/**
 * Makes the opener. At most `maxStreams` are open at a time. A client that does not read is cut off when `maxStreamBytes` wait for it:
 * Redis forgets what it published, so there is nothing to wait with. It leaves its channels when the client goes.
 *
 * @returns an opener that throws {@link Refusal} 429, and `NoAnswerError` when Redis is away.
 */
export function makeEventStreams(
  subscriptions: Subscriptions,
  { maxStreams, maxStreamBytes }: GatewayLimits,
  timer: Timer,
): EventStreamOpener {
  const open = new Set<(chunk: Uint8Array) => void>();
  let stopBeating = (): void => {};

  function beat(): void {
    stopBeating = timer(keepAliveMs, () => {
      const comment = encode(":\n\n");
      for (const write of open) write(comment);
      if (open.size > 0) beat();
    });
  }

  function readableFor(kind: SubscriptionKind): {
    readable: ReadableStream<Uint8Array>;
    reader: SubscriptionReader;
    leaves(then: () => void): void;
  } {
    const confirmed = new Set<string>();
    let leave = (): void => {};
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const finish = (how: (controller: ReadableStreamDefaultController<Uint8Array>) => void): void => {
      const ending = controller;
      if (ending === undefined) return;
      controller = undefined;
      open.delete(write);
      if (open.size === 0) stopBeating();
      leave();
      how(ending);
    };
    const write = (chunk: Uint8Array): void => {
      if (controller === undefined) return;
      if ((controller.desiredSize ?? 0) < chunk.byteLength) finish((ending) => ending.error(new Error("the client reads too slowly")));
      else controller.enqueue(chunk);
    };
    const readable = new ReadableStream<Uint8Array>(
      {
        start(started) {
          controller = started;
          if (open.size === 0) beat();
          open.add(write);
        },
        cancel: () => finish(() => {}),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: maxStreamBytes }),
    );
    const reader: SubscriptionReader = {
      subscribed(name) {
        confirmed.add(name);
        write(event(`${kind},${name},${confirmed.size}`));
      },
      message: (name, channel, payload) =>
        write(event(kind === "subscribe" ? `message,${channel},${payload}` : `pmessage,${name},${channel},${payload}`)),
      end: () => finish((ending) => ending.close()),
    };
    const leaves = (then: () => void): void => {
      leave = then;
      if (controller === undefined) then();
    };
    return { readable, reader, leaves };
  }

  return async (kind, names) => {
    if (open.size >= maxStreams) throw new Refusal(429, `ERR max number of streams exceeded. Limit: ${maxStreams}`);
    const { readable, reader, leaves } = readableFor(kind);
    try {
      leaves(await subscriptions.join(kind, names, reader));
    } catch (error) {
      reader.end();
      throw error;
    }
    return readable;
  };
}

/**
 * One event. A line break in a message becomes a further line of the event, which a reader of the standard puts together again. It is
 * written so that @upstash/redis, which takes each line `data: …` for an event, cannot take a message for a forged one.
 */
function event(data: string): Uint8Array {
  const [first, ...more] = data.split(/\r\n|\r|\n/);
  return encode(`data: ${first}\n${more.map((line) => `data:${line.startsWith(" ") ? " " : ""}${line}\n`).join("")}\n`);
}

function encode(text: string): Uint8Array {
  return Buffer.from(text);
}
