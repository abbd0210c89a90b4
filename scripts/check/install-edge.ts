import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { transformSync } from "esbuild";
import { type BuiltFile, bundleEdge } from "../build/bundle-edge.ts";

/**
 * Puts into `dir` what `npm install @asynqjs/client-edge @upstash/redis` leaves there, as far as a Worker reaches it: our part as it would
 * be published, built for this.
 */
export async function installEdge(root: string, dir: string): Promise<void> {
  const edge = path.join(root, "packages/client-edge");
  const core = path.join(root, "packages/core");
  const modules = path.join(dir, "node_modules");
  const errors = transformSync(readFileSync(path.join(core, "src/errors.ts"), "utf8"), { loader: "ts", target: "es2023" }).code;
  const installed: BuiltFile[] = [{ path: path.join(core, "dist/errors.js"), text: errors }, ...(await bundleEdge(edge))];
  for (const folder of [edge, core]) {
    const { publishConfig, ...manifest } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    installed.push({ path: path.join(folder, "package.json"), text: JSON.stringify({ ...manifest, ...publishConfig }) });
  }
  for (const file of installed) {
    const place = path.join(modules, "@asynqjs", path.relative(path.join(root, "packages"), file.path));
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, file.text);
  }
  const upstash = path.join(edge, "node_modules/@upstash");
  if (existsSync(upstash)) symlinkSync(realpathSync(upstash), path.join(modules, "@upstash"));
}
