import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** What a packed package's manifest says, as npm would read it. */
export interface PackedPackage {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Builds every package, packs it, and installs the tarballs into `dir`, an empty project. */
export function installPacked(dir: string): PackedPackage[] {
  must("node", ["scripts/build.ts"]);
  writeFileSync(path.join(dir, "package.json"), '{ "private": true, "type": "module" }');
  const folders = globSync("packages/*", { cwd: root }).sort();
  for (const folder of folders) must("pnpm", ["pack", "--pack-destination", dir], path.join(root, folder));
  const tarballs = globSync("*.tgz", { cwd: dir }).sort();
  // CI installs as a user would, from the registry; elsewhere the test must pass without a network.
  if (process.env.CI) must("npm", ["install", "--no-audit", "--no-fund", ...tarballs.map((file) => `./${file}`)], dir);
  else for (const folder of folders) unpack(dir, tarballs.find((file) => file.startsWith(`asynqjs-${path.basename(folder)}-`))!, folder);
  return folders.map((folder) => {
    const installed = path.join(dir, "node_modules/@asynqjs", path.basename(folder));
    return JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8"));
  });
}

/** Lays a tarball out as npm would, with the dependencies it declares, and no others, taken from the workspace. */
function unpack(dir: string, tarball: string, folder: string): void {
  const target = path.join(dir, "node_modules/@asynqjs", path.basename(folder));
  mkdirSync(target, { recursive: true });
  must("tar", ["-xzf", path.join(dir, tarball), "--strip-components=1", "-C", target]);
  const { dependencies, peerDependencies }: PackedPackage = JSON.parse(readFileSync(path.join(target, "package.json"), "utf8"));
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (name.startsWith("@asynqjs/")) continue;
    const link = path.join(target, "node_modules", name);
    mkdirSync(path.dirname(link), { recursive: true });
    const source = path.join(root, folder, "node_modules", name);
    if (existsSync(source)) symlinkSync(source, link);
  }
}

function must(command: string, args: readonly string[], cwd: string = root): void {
  const done = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${done.stdout}${done.stderr}${done.error ?? ""}`);
}
