import type { Command } from "../redis.ts";
import { commandSlot } from "./key-slot.ts";
import type { HostPort } from "./redis-uri.ts";

/** What is used of a Cluster's client. */
interface ClusterClient<Node> {
  nodes?(role: "master"): Node[];
  /** Of ioredis: the names of a slot's nodes, its master's first. */
  readonly slots?: readonly (readonly string[] | undefined)[];
}

/** The client of the master that a command goes to, if there is one now. Of all masters where the client does not show its slots. */
export function mastersOf<Node>(client: ClusterClient<Node>, command: Command): Node[] {
  const slot = commandSlot(command);
  if (slot === undefined) return [];
  const masters = client.nodes!("master");
  const { slots } = client;
  if (slots === undefined) return masters;
  return masters.filter((node) => nameOf((node as { readonly options?: HostPort }).options) === slots[slot]?.[0]);
}

function nameOf({ host, port }: Partial<HostPort> = {}): string {
  return `${host}:${port}`;
}
