import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Manifest, readInstalled, readManifest, startRegistry } from "./local-registry.ts";

const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** What a packed package's manifest says. */
interface PackedManifest extends Manifest {
  /** Absent from a package that is only a command. */
  readonly exports?: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
}

export interface PackedPackages {
  /** Our packages, each as the tarball that would be published. */
  readonly packed: readonly { readonly manifest: PackedManifest; readonly tarball: string }[];
  /** Where npm finds these, and what they need. */
  readonly registryUrl: string;
  /** Removes the tarballs and ends the registry. */
  stop(): Promise<void>;
}

/** Builds and packs every package, and offers them to npm. */
export async function packPackages(): Promise<PackedPackages> {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-packed-"));
  must("node", ["scripts/build.ts"], root);
  const folders = globSync("packages/*", { cwd: root })
    .sort()
    .map((folder) => path.join(root, folder));
  const staged = folders.map((folder) => {
    // pnpm writes the manifest that is published, with the built exports and the versions in place of our own.
    const stage = path.join(dir, path.basename(folder));
    must("pnpm", ["pack", "--pack-destination", stage], folder);
    must("tar", ["-xzf", globSync("*.tgz", { cwd: stage })[0]!], stage);
    return path.join(stage, "package");
  });
  const tarballs: { filename: string }[] = JSON.parse(must("npm", ["pack", "--json", ...staged], dir));
  const packed = staged.map((stage, i) => ({
    manifest: readManifest<PackedManifest>(stage),
    tarball: path.join(dir, tarballs[i]!.filename),
  }));
  const ours = packed.map(({ manifest, tarball }) => ({ manifest, source: tarball }));
  const registry = await startRegistry([...ours, ...readInstalled(folders)]);
  return {
    packed,
    registryUrl: registry.url,
    async stop() {
      await registry.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

function must(command: string, args: readonly string[], cwd: string): string {
  const { stdout, stderr, status, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${stdout}${stderr}${error ?? ""}`);
  return stdout;
}
