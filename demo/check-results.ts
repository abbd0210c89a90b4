import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { archivedKey, type Broker, completedKey, taskKey } from "@asynqjs/core";
import { describeEnqueueEvents } from "@asynqjs/core/inspector";
import type { Redis } from "ioredis";
import PostalMime from "postal-mime";
import sharp from "sharp";
import type { AcceptedTask, Expected } from "./customers.ts";
import { deskAddress, digestSubject, mailFile, reportEntryId, type ThumbnailResult, thumbnailFile } from "./shop.ts";

/** Looks at what each task was to leave behind, and where Redis has it; answers what is wrong, a line for each task, none if all is well. */
export async function checkResults(redis: Redis, tasks: readonly AcceptedTask[], outDir: string): Promise<string[]> {
  const wrong = await Promise.all(
    tasks.map((task) =>
      check(redis, task, outDir).catch((error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? "its file is missing" : error.message)),
    ),
  );
  return wrong.flatMap((why, i) => (why === undefined ? [] : [`${tasks[i]!.type} ${tasks[i]!.id} of ${tasks[i]!.queue}: ${why}`]));
}

/** Looks whether Redis knows of each time that the cron entry fired, as Asynq's own tools see it, and whether each report was mailed. */
export async function checkReports(broker: Broker, fired: number, outDir: string): Promise<string[]> {
  const events = await describeEnqueueEvents(broker, reportEntryId, { pageSize: 1_000 });
  const mails = await readdir(path.join(outDir, "mail")).catch((): string[] => []);
  return [
    ...(events.length === fired ? [] : [`the cron entry fired ${fired} times, its history has ${events.length}`]),
    ...events.flatMap(({ taskId }) => (mails.includes(path.basename(mailFile(taskId))) ? [] : [`report ${taskId}: its mail is missing`])),
  ];
}

async function check(redis: Redis, { id, queue, expected }: AcceptedTask, outDir: string): Promise<string | undefined> {
  const state = await redis.hget(taskKey(queue, id), "state");
  switch (expected.ends) {
    case "archived":
      return (await redis.zscore(archivedKey(queue), id)) === null ? `is ${state ?? "gone"}, should be archived` : undefined;
    case "thumbnail":
      if ((await redis.zscore(completedKey(queue), id)) === null) return `is ${state ?? "gone"}, should be completed`;
      return checkThumbnail(expected, await redis.hget(taskKey(queue, id), "result"), outDir);
    case "mail":
      if (state !== null) return `is ${state}, should be done and gone`;
      return checkMail(expected, path.join(outDir, mailFile(id)));
    case "digest":
      if (state !== null) return `is ${state}, should be in a digest and gone`;
      return checkDigest(expected, outDir);
  }
}

async function checkThumbnail(
  expected: Expected & { ends: "thumbnail" },
  result: string | null,
  outDir: string,
): Promise<string | undefined> {
  const original = await sharp(path.join(import.meta.dirname, "pictures", expected.picture)).metadata();
  const heightPx = Math.round((original.height * expected.widthPx) / original.width);
  const bytes = await readFile(path.join(outDir, thumbnailFile(expected)));
  // Decodes every pixel, where reading its metadata alone would be content with a header.
  const { info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  if (info.width !== expected.widthPx || info.height !== heightPx)
    return `its picture is ${info.width} × ${info.height} px, should be ${expected.widthPx} × ${heightPx}`;
  const wanted: ThumbnailResult = { file: thumbnailFile(expected), widthPx: info.width, heightPx: info.height, bytes: bytes.length };
  return result === JSON.stringify(wanted) ? undefined : "its result in Redis does not describe its file";
}

async function checkMail(expected: Expected & { ends: "mail" }, file: string): Promise<string | undefined> {
  const mail = await PostalMime.parse(await readFile(file));
  if (mail.subject !== expected.subject) return `its subject is "${mail.subject}", should be "${expected.subject}"`;
  return mail.to?.some(({ address }) => address === expected.to) ? undefined : "is not to whom it should be";
}

async function checkDigest({ picture, line }: Expected & { ends: "digest" }, outDir: string): Promise<string | undefined> {
  // A worker that was killed may have left a part of one.
  const files = (await readdir(path.join(outDir, "mail"))).filter((file) => file.endsWith(".eml"));
  const mails = await Promise.all(files.map(async (file) => PostalMime.parse(await readFile(path.join(outDir, "mail", file)))));
  const digests = mails.filter(
    ({ subject, to }) => subject === digestSubject(picture) && to?.some(({ address }) => address === deskAddress),
  );
  const times = digests.flatMap(({ text = "" }) => text.split(/\r?\n/)).filter((found) => found === line).length;
  return times === 1 ? undefined : `is in ${times} digests, should be in one`;
}
