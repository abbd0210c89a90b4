import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import type { Budget } from "../budgets.ts";

/**
 * How Workers stand to their budgets, each bundled beside what `install` puts into a folder for it: `faults` for those over, `notes` with
 * every size.
 */
export async function checkBundleSizes(
  root: string,
  budgets: readonly Budget[],
  install: (dir: string) => Promise<void> = async () => {},
): Promise<{ readonly faults: string[]; readonly notes: string[] }> {
  const faults: string[] = [];
  const notes: string[] = [];
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-bundles-"));
  try {
    await install(dir);
    const empty = path.join(dir, "empty.ts");
    writeFileSync(empty, "export default { fetch: () => new Response() };");
    const present = budgets.filter(({ entry }) => existsSync(path.join(root, entry)));
    const baseBytes = present.length > 0 ? bundleGzipBytes(empty, dir) : 0;
    for (const { entry, maxGzipBytes } of present) {
      // Beside what is installed, so that it finds that, and not the workspace.
      const copy = path.join(dir, "src", path.basename(entry));
      cpSync(path.join(root, path.dirname(entry)), path.dirname(copy), { recursive: true });
      const bytes = bundleGzipBytes(copy, dir) - baseBytes;
      notes.push(`${entry} ${bytes} of ${maxGzipBytes} bytes`);
      if (bytes > maxGzipBytes) faults.push(`${entry} weighs ${bytes} bytes gzipped, its budget is ${maxGzipBytes}`);
    }
    for (const { entry } of budgets) if (!existsSync(path.join(root, entry))) notes.push(`${entry} is not there yet`);
    return { faults, notes };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The size of a Worker as wrangler would upload it. */
function bundleGzipBytes(entry: string, dir: string): number {
  const out = mkdtempSync(path.join(dir, "out-"));
  const config = path.join(out, "wrangler.json");
  mkdirSync(path.join(out, "bundle"));
  writeFileSync(config, JSON.stringify({ name: "budget", main: entry, compatibility_date: "2026-10-01" }));
  const done = spawnSync("wrangler", ["deploy", "--config", config, "--dry-run", "--minify", "--outdir", path.join(out, "bundle")], {
    cwd: out,
    encoding: "utf8",
  });
  if (done.status !== 0) throw new Error(`wrangler could not bundle ${entry}: ${done.stderr.trim() || done.stdout.trim()}`);
  return gzipSync(readFileSync(path.join(out, "bundle", `${path.parse(entry).name}.js`)), { level: 9 }).length;
}
