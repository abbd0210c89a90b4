import type { TestProject } from "vitest/node";
import { startCluster } from "./redis-topologies.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The nodes of a Cluster for each vitest worker, by its number from 1: Clusters have no databases to share. */
    clusters: readonly (readonly number[])[];
  }
}

/** Starts them once for all test files of a run: Redis takes two seconds or three to serve one. */
export default async function setup({ provide, vitest }: TestProject): Promise<() => Promise<void>> {
  const clusters = await Promise.all(Array.from({ length: Number(vitest.config.maxWorkers) }, () => startCluster(3)));
  provide(
    "clusters",
    clusters.map(({ ports }) => ports),
  );
  return async () => {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
  };
}
