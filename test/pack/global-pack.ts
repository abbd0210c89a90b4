import type { TestProject } from "vitest/node";
import { type PackedPackages, packPackages } from "./pack-packages.ts";

declare module "vitest" {
  interface ProvidedContext extends Pick<PackedPackages, "packed" | "registryUrl"> {}
}

/** Packs once for all tests of a run. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const { packed, registryUrl, stop } = await packPackages();
  provide("packed", packed);
  provide("registryUrl", registryUrl);
  return stop;
}
