import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { ProcessingTask } from "@asynqjs/worker-node";
import { deskAddress, mailFile } from "../shop.ts";
import { composeMail } from "./compose-mail.ts";
import { writeWhole } from "./write-whole.ts";

/** Handles `report:send`: counts what the shop made so far and mails it. Answers the count, for the screen. */
export async function sendReport(task: ProcessingTask, outDir: string): Promise<string> {
  const [thumbnails, mails] = await Promise.all([count("thumbnails", ".avif"), count("mail", ".eml")]);
  const text = `${thumbnails} thumbnails and ${mails} mails so far`;
  const mail = await composeMail(task.id, { to: deskAddress, subject: "The shop's report", text });
  await writeWhole(path.join(outDir, mailFile(task.id)), mail, randomUUID());
  return text;

  async function count(folder: string, extension: string): Promise<number> {
    const files = await readdir(path.join(outDir, folder)).catch(() => []);
    return files.filter((file) => file.endsWith(extension)).length;
  }
}
