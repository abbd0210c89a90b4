import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** A Worker's one module, built by wrangler as a deployment would. */
export async function buildWorker(entry: string, compatibilityDate: string): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), "asynqjs-worker-"));
  try {
    const config = path.join(dir, "wrangler.json");
    await writeFile(config, JSON.stringify({ name: "worker", main: entry, compatibility_date: compatibilityDate }));
    await promisify(execFile)("wrangler", ["deploy", "--dry-run", "--config", config, "--outdir", path.join(dir, "out")], {
      cwd: dir,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
    });
    return await readFile(path.join(dir, "out", `${path.parse(entry).name}.js`), "utf8");
  } finally {
    await rm(dir, { recursive: true });
  }
}
