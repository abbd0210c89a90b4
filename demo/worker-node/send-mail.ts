import { randomUUID } from "node:crypto";
import path from "node:path";
import type { ProcessingTask } from "@asynqjs/worker-node";
import MailComposer from "nodemailer/lib/mail-composer";
import { type MailPayload, mailFile } from "../shop.ts";
import { writeWhole } from "./write-whole.ts";

/** How often a greylisting server sends the same mail away before it takes it. */
const greylistedTimes = 2;

/** Handles `mail:send`: writes the mail as RFC 5322 has it. Answers what it did, for the screen. */
export async function sendMail(task: ProcessingTask, outDir: string): Promise<string> {
  const { to, subject, text } = task.json<MailPayload>();
  // Stands in for a mail server that greylists, as many do: a stranger who comes back is let in.
  if (to.endsWith("@grey.example") && task.retryCount < greylistedTimes) throw new Error("451 4.7.1 greylisted");

  const mail = new MailComposer({
    from: { name: "The Picture Shop", address: "hello@shop.example" },
    to,
    subject,
    text,
    // The same in every run of the task, so that a mailbox recognises a second copy.
    messageId: `<${task.id}@shop.example>`,
  });
  await writeWhole(path.join(outDir, mailFile(task.id)), await mail.compile().build(), randomUUID());
  return `"${subject}" to ${to}`;
}
