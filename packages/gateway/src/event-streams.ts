import { Refusal } from "./errors.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Timer } from "./redis-link.ts";
import type { SubscriptionKind, SubscriptionReader, Subscriptions } from "./subscriptions.ts";

/** Opens a stream of server-sent events over what is published. */
export type EventStreamOpener = (kind: SubscriptionKind, names: readonly string[]) => Promise<ReadableStream<Uint8Array>>;

interface EventStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly reader: SubscriptionReader;
  /** Says how to leave the channels; at once if the stream ended meanwhile. */
  leaves(then: () => void): void;
}

/** A connection on which nothing moves is cut: by proxies, commonly after 60 s, and by our own server. */
export const keepAliveMs = 10_000;

/**
 * Makes the opener. At most `maxStreams` are open at a time. The stream of a client that does not read ends when more than
 * `maxStreamBytes` would wait for it: an end is seen, a gap is not. It leaves its channels when the client goes.
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

  function makeStream(kind: SubscriptionKind): EventStream {
    const confirmed = new Set<string>();
    const waiting: Uint8Array[] = [];
    let waitingBytes = 0;
    let leave = (): void => {};
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;

    const flow = (): void => {
      while (waiting.length > 0 && (controller?.desiredSize ?? 0) > 0) {
        const chunk = waiting.shift()!;
        waitingBytes -= chunk.byteLength;
        controller!.enqueue(chunk);
      }
    };
    /** However it ends, this is done once. */
    const finish = (): ReadableStreamDefaultController<Uint8Array> | undefined => {
      const ending = controller;
      controller = undefined;
      open.delete(write);
      if (open.size === 0) stopBeating();
      leave();
      leave = () => {};
      return ending;
    };
    const write = (chunk: Uint8Array): void => {
      // However large it is, one message may wait.
      if (waiting.length > 0 && waitingBytes + chunk.byteLength > maxStreamBytes) {
        waiting.length = 0;
        finish()?.close();
        return;
      }
      waiting.push(chunk);
      waitingBytes += chunk.byteLength;
      flow();
    };
    return {
      readable: new ReadableStream<Uint8Array>({
        start(started) {
          controller = started;
          if (open.size === 0) beat();
          open.add(write);
        },
        pull: flow,
        cancel: () => void finish(),
      }),
      reader: {
        subscribed(name) {
          confirmed.add(name);
          write(event(`${kind},${name},${confirmed.size}`));
        },
        message(name, channel, payload) {
          write(event(kind === "subscribe" ? `message,${channel},${payload}` : `pmessage,${name},${channel},${payload}`));
        },
        end() {
          const ending = finish();
          for (const chunk of waiting.splice(0)) ending?.enqueue(chunk);
          ending?.close();
        },
      },
      leaves(then) {
        if (controller === undefined) then();
        else leave = then;
      },
    };
  }

  return async (kind, names) => {
    if (open.size >= maxStreams) throw new Refusal(429, `ERR max number of streams exceeded. Limit: ${maxStreams}`);
    const { readable, reader, leaves } = makeStream(kind);
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
