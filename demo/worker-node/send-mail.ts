import { randomUUID } from "node:crypto";
import path from "node:path";
import type { ProcessingTask } from "@asynqjs/worker-node";
import { type MailPayload, mailFile } from "../shop.ts";
import { composeMail } from "./compose-mail.ts";
import { writeWhole } from "./write-whole.ts";

/** How often a greylisting server sends the same mail away before it takes it. */
const greylistedTimes = 2;

/** Handles `mail:send`: writes the mail as a file. Answers what it did, for the screen. */
export async function sendMail(task: ProcessingTask, outDir: string): Promise<string> {
  const mail = task.json<MailPayload>();
  // Stands in for a mail server that greylists, as many do: a stranger who comes back is let in.
  if (mail.to.endsWith("@grey.example") && task.retryCount < greylistedTimes) throw new Error("451 4.7.1 greylisted");
  await writeWhole(path.join(outDir, mailFile(task.id)), await composeMail(task.id, mail), randomUUID());
  return `"${mail.subject}" to ${mail.to}`;
}
