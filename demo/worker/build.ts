import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";

/**
 * Builds a Worker as a deployment would, with wrangler, and answers its one module.
 * @throws {Error} one line: what wrangler said
 */
export async function build(worker: string, configFile: string, outDir: string): Promise<string> {
  const wrangler = path.join(import.meta.dirname, "../node_modules/.bin/wrangler");
  const config = path.join(import.meta.dirname, configFile);
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", CLOUDFLARE_CF_FETCH_ENABLED: "false" };
  try {
    await promisify(execFile)(wrangler, ["deploy", "--dry-run", "--outdir", outDir, "--config", config], { env });
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string };
    // That it failed is known: why is in one of the lines that follow.
    const why = stripVTControlCharacters(stderr || message).match(/\[ERROR\] (?!Build failed)(.+)/)?.[1];
    throw new Error(`wrangler: ${why ?? message}`);
  }
  return readFile(path.join(outDir, `${worker}.js`), "utf8");
}
