import type { Broker } from "../broker.ts";
import { decodeList } from "../decode-reply.ts";
import { encodeText } from "../encode-text.ts";
import { pendingKey } from "../keys.ts";
import { keySlot } from "../redis/key-slot.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { ask } from "../send-plain.ts";
import { decodeText, unexpected } from "../verdicts.ts";

/** A node of a Redis Cluster. Asynq: `ClusterNode`. */
export interface ClusterNode {
  readonly id: string;
  /** `<host>:<port>`, as the Cluster tells it. */
  readonly addr: string;
}

/** The slot of a Redis Cluster in which a queue lives, all of it. Asks nobody. @see Asynq internal/rdb/inspect.go, `ClusterKeySlot` */
export function clusterKeySlot(queue: string): number {
  return keySlot(encodeText(pendingKey(queue)));
}

/**
 * The nodes that hold a queue, its master first; none where no node has its slot. Reads only.
 * @throws {RedisError} also when it is no Cluster
 * @see Asynq internal/rdb/inspect.go, `ClusterNodes`
 */
export function clusterNodes({ redis }: Broker, queue: string, options: SendOptions = {}): Promise<ClusterNode[]> {
  const slot = clusterKeySlot(queue);
  return ask(redis, ["CLUSTER", "SLOTS"], (reply) => decodeNodes(reply, slot), options);
}

function decodeNodes(reply: Reply, slot: number): ClusterNode[] {
  for (const range of decodeList(reply)) {
    const [first = null, last = null, ...nodes] = decodeList(range);
    if (typeof first !== "number" || typeof last !== "number") unexpected();
    if (first <= slot && slot <= last) {
      return nodes.map((node) => {
        const [host = null, port = null, id = null] = decodeList(node);
        return { id: id === null ? "" : decodeText(id), addr: `${host === null ? "" : decodeText(host)}:${port}` };
      });
    }
  }
  return [];
}
