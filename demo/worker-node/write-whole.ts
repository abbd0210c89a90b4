import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * Writes a file so that it is there as a whole or not at all: a task may lose its worker in the middle of it and run again. `runId` keeps
 * apart two runs that write it at the same time.
 */
export async function writeWhole(file: string, bytes: Uint8Array, runId: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const part = `${file}.${runId}.part`;
  try {
    await writeFile(part, bytes);
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}
