import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";

/** A packed package of ours, or an installed one of others; its manifest as npm would read it. */
export interface Published {
  readonly manifest: Manifest;
  /** A tarball, or a folder that is made one when it is asked for. */
  readonly source: string;
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * An npm registry that has our packages and what they may need, from the workspace's node_modules, and nothing else: `npm install` does
 * there what it will do for a user, with no network, and fails where a dependency is not declared.
 */
export async function startRegistry(packages: readonly Published[]): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const tarballs = new Map<string, Promise<Buffer>>();
  const server = createServer(async (request, response) => {
    const [name = "", version] = decodeURIComponent(new URL(request.url!, url).pathname.slice(1)).split("/-/");
    const versions = packages.filter(({ manifest }) => manifest.name === name);
    if (version !== undefined) {
      const { source } = versions.find(({ manifest }) => manifest.version === version)!;
      const tarball = tarballs.get(source) ?? readTarball(source);
      tarballs.set(source, tarball);
      return void response.end(await tarball);
    }
    if (versions.length === 0) return void response.writeHead(404).end("{}");
    const entries = versions.map(({ manifest }) => [
      manifest.version,
      { ...manifest, dist: { tarball: `${url}/${name}/-/${manifest.version}` } },
    ]);
    const answer = { name, "dist-tags": { latest: versions[0]!.manifest.version }, versions: Object.fromEntries(entries) };
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Made once, however often it is asked for. */
async function readTarball(source: string): Promise<Buffer> {
  if (source.endsWith(".tgz")) return readFile(source);
  // pnpm keeps equal files once, as hard links, which tar would keep as links and npm would leave out: so a copy is packed.
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-tarball-"));
  try {
    const copied = path.join(dir, "package");
    cpSync(source, copied, { recursive: true, filter: (file) => path.basename(file) !== "node_modules" });
    const tar = spawn("tar", ["-czf", "-", "-C", dir, "package"], { stdio: ["ignore", "pipe", "inherit"] });
    return await buffer(tar.stdout);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/**
 * What the packages in these folders need, for their own tests too, as examples may use it, and what that needs in turn: those of the
 * workspace first, so that these are the latest.
 */
export function readInstalled(dirs: readonly string[]): Published[] {
  const found = new Map<string, Published>();
  const queue = dirs.map((dir) => ({ dir, beside: path.join(dir, "node_modules") }));
  for (const { dir, beside } of queue) {
    const { dependencies, peerDependencies, devDependencies }: Manifest = readManifest(dir);
    for (const name of Object.keys({ ...dependencies, ...peerDependencies, ...(dirs.includes(dir) ? devDependencies : {}) })) {
      if (name.startsWith("@asynqjs/") || !existsSync(path.join(beside, name))) continue;
      const source = realpathSync(path.join(beside, name));
      if (found.has(source)) continue;
      found.set(source, { manifest: readManifest(source), source });
      // pnpm lays what a package needs beside it.
      queue.push({ dir: source, beside: path.join(source, name.startsWith("@") ? "../.." : "..") });
    }
  }
  return [...found.values()];
}

export function readManifest<M extends Manifest = Manifest>(dir: string): M {
  return JSON.parse(readFileSync(path.join(dir, "package.json"), "utf8"));
}
