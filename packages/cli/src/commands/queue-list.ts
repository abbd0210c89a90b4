import type { CliContext } from "../cli-context.ts";
import { table } from "../format/table.ts";
import { couldNot } from "./could-not.ts";

/** The names, one a line; in a Cluster a table with the nodes that hold each. */
export async function listQueues(context: CliContext): Promise<void> {
  const inspector = await context.inspector();
  const names = await couldNot("fetch list of queues", inspector.queues());
  const cluster = await context.inCluster();
  if (!cluster) {
    if (context.json) context.printJson(names);
    else for (const name of names) context.print(name);
    return;
  }
  const { clusterKeySlot, clusterNodes } = await import("@asynqjs/core/inspector");
  const queues = await Promise.all(
    names.map(async (queue) => ({
      queue,
      keySlot: clusterKeySlot(queue),
      nodes: await couldNot("get cluster nodes", clusterNodes(inspector.broker, queue)),
    })),
  );
  if (context.json) return context.printJson(queues);
  const rows = queues.map(({ queue, keySlot, nodes }) => [queue, keySlot, nodes.map(({ id, addr }) => `${id} ${addr}`).join(", ")]);
  context.show(table(["Queue", "Cluster KeySlot", "Cluster Nodes"], rows));
}
