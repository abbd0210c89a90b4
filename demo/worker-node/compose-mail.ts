import MailComposer from "nodemailer/lib/mail-composer";
import type { MailPayload } from "../shop.ts";

/** A mail as RFC 5322 has it. */
export function composeMail(taskId: string, { to, subject, text }: MailPayload): Promise<Buffer> {
  const mail = new MailComposer({
    from: { name: "The Picture Shop", address: "hello@shop.example" },
    to,
    subject,
    text,
    // The same in every run of the task, so that a mailbox recognises a second copy.
    messageId: `<${taskId}@shop.example>`,
  });
  return mail.compile().build();
}
