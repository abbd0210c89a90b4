import { type Command, type CommandResult, RedisError } from "@asynqjs/core";
import { commandSlot, type HostPort, type ParsedRedis, type Way, wayFailed } from "@asynqjs/core/redis/ioredis";
import type { Connection } from "./connection.ts";
import { Link } from "./link.ts";
import { inTime, openConnection } from "./open-connection.ts";
import { readRedirection, SlotMap } from "./slot-map.ts";

type ClusterRedis = Extract<ParsedRedis, { readonly kind: "cluster" }>;

/** A command is sent on so many times at most; then its redirection is its answer. */
const maxRedirections = 5;
/** The slots are asked for at most so often. */
const askEveryMs = 250;

/**
 * The way to a Cluster: a connection to each master that is needed. Which that is, CLUSTER SLOTS tells at first, when a redirection shows
 * that the answer is old, and while a master cannot be reached; redirections are followed.
 */
export function clusterWay({ nodes, username, password, tls }: ClusterRedis): Way {
  const links = new Map<string, Link>();
  const onReady = new Set<() => void>();
  let slots: SlotMap | undefined;
  let asking = false;
  let askAgainMs = 0;
  let asked = 0;
  let ended = false;

  const ready = (): void => {
    for (const tell of onReady) tell();
  };

  /** @throws {RedisError} there is no connection now */
  function connectionTo(node: HostPort): Connection {
    if (ended) throw wayFailed("the way is closed", "no");
    const name = nameOf(node);
    let link = links.get(name);
    if (link === undefined) {
      link = new Link((signal) => openConnection({ ...node, username, password, tls }, signal), { onOpen });
      links.set(name, link);
    }
    return link.get();
  }

  function onOpen(): void {
    if (slots !== undefined) ready();
    else void askForSlots();
  }

  /** Asks the nodes in turn, beginning with another one each time: one of them may be dead and not know it. */
  async function askForSlots(): Promise<void> {
    if (asking || (slots !== undefined && performance.now() < askAgainMs)) return;
    asking = true;
    askAgainMs = performance.now() + askEveryMs;
    const known = [...(slots?.masters() ?? []), ...nodes];
    asked++;
    for (let i = 0; i < known.length; i++) {
      const node = known[(asked + i) % known.length]!;
      try {
        const connection = connectionTo(node);
        const [answer] = await inTime(connection, () => connection.call([["CLUSTER", "SLOTS"]]));
        if (!Array.isArray(answer!.reply) || answer!.reply.length === 0) continue;
        slots = new SlotMap(answer!.reply, node);
        break;
      } catch {
        // Another may know.
      }
    }
    asking = false;
    if (slots === undefined) return;
    const needed = new Set(slots.masters().map(nameOf));
    for (const [name, link] of links) {
      if (needed.has(name)) continue;
      link.close();
      links.delete(name);
    }
    ready();
  }

  async function call(node: HostPort, commands: readonly Command[]): Promise<CommandResult> {
    try {
      return (await connectionTo(node).call(commands)).at(-1)!;
    } catch (error) {
      void askForSlots();
      throw error;
    }
  }

  async function send(command: Command): Promise<CommandResult> {
    let node = slots?.masterOf(commandSlot(command));
    if (node === undefined) {
      void askForSlots();
      throw wayFailed("the slots of the Cluster are not known yet", "no");
    }
    let result = await call(node, [command]);
    for (let left = maxRedirections; left > 0 && result.error !== undefined; left--) {
      const redirection = readRedirection(result.error, node);
      if (redirection === undefined) break;
      node = redirection.to;
      if (redirection.kind === "MOVED") {
        slots?.move(redirection.slot, node);
        void askForSlots();
      }
      result = await call(node, redirection.kind === "ASK" ? [["ASKING"], command] : [command]);
    }
    return result;
  }

  return {
    cluster: true,
    waits: false,
    async write(commands) {
      const outcomes = await Promise.allSettled(commands.map(send));
      const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? (outcome.reason as RedisError) : []));
      if (failures.length === 0) return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<CommandResult>).value);
      const noneLeft = failures.length === commands.length && failures.every(({ delivered }) => delivered === "no");
      throw new RedisError(failures[0]!.message, { delivered: noneLeft ? "no" : "unknown" });
    },
    reset() {
      for (const link of links.values()) link.drop();
    },
    close() {
      ended = true;
      for (const link of links.values()) link.close();
    },
    listen(listeners) {
      onReady.add(listeners.onReady);
      return () => void onReady.delete(listeners.onReady);
    },
  };
}

function nameOf({ host, port }: HostPort): string {
  return `${host}:${port}`;
}
