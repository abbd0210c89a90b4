import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type ProcessingTask, SkipRetry } from "@asynqjs/worker-node";
import sharp from "sharp";
import { type ThumbnailPayload, type ThumbnailResult, thumbnailFile } from "../shop.ts";
import { writeWhole } from "./write-whole.ts";

// The server's concurrency is what runs at once; a thread pool for each picture would come on top.
sharp.concurrency(1);

const pictures = path.join(import.meta.dirname, "../pictures");

/**
 * Handles `picture:thumbnail`. Answers what it did, for the screen.
 * @throws {SkipRetry} there is no such picture, or it cannot be read: another try would not help
 */
export async function makeThumbnail(task: ProcessingTask, outDir: string): Promise<string> {
  const payload = task.json<ThumbnailPayload>();
  const original = await readFile(path.join(pictures, path.basename(payload.picture))).catch((cause) => {
    throw new SkipRetry("there is no such picture", { cause });
  });
  const { data, info } = await sharp(original)
    .resize({ width: payload.widthPx })
    .avif({ effort: 2 })
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => {
      throw new SkipRetry("the file is not a whole picture", { cause });
    });
  const file = thumbnailFile(payload);
  await writeWhole(path.join(outDir, file), data, randomUUID());
  const result: ThumbnailResult = { file, widthPx: info.width, heightPx: info.height, bytes: info.size };
  await task.resultWriter.write(JSON.stringify(result));
  return `${payload.picture} at ${info.width} × ${info.height} px, ${(info.size / 1024).toFixed(1)} KiB`;
}
