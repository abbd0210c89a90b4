import type { Diagnosis, Severity } from "./diagnosis.ts";
import type { Examination } from "./examine.ts";
import { sayCount } from "./say.ts";

/** Puts a mark of the severity before a line: in colour, say. */
export type MarkSeverity = (severity: Severity, text: string) => string;

/** An examination as text for people: each finding in three lines, its remedy last. */
export function sayExamination({ diagnoses, more, looked }: Examination, mark: MarkSeverity = (_, text) => text): string {
  const parts = [
    `looked at ${share(looked.queues, looked.ofQueues, "queue")}, ${sayCount(looked.servers, "server")}${
      looked.invariants ? ", and for the invariants" : ""
    }`,
  ];
  for (const diagnosis of diagnoses)
    parts.push(
      `${mark(diagnosis.severity, diagnosis.severity)} ${diagnosis.code} (${nameOf(diagnosis)}): ${printable(diagnosis.what)}\n` +
        `  seen: ${printable(diagnosis.evidence)}\n` +
        `  do:   ${printable(diagnosis.remedy)}`,
    );
  for (const [code, count] of Object.entries(more)) parts.push(`and ${count} more of ${code}`);
  if (diagnoses.length === 0) parts.push("nothing is wrong");
  return `${parts.join("\n\n")}\n`;
}

function share(looked: number, total: number, of: string): string {
  return looked < total ? `${looked} of ${sayCount(total, of)}` : sayCount(looked, of);
}

function nameOf({ subject: { kind, name } }: Diagnosis): string {
  return name === undefined ? kind : `${kind} ${JSON.stringify(name)}`;
}

/** Names and keys are anybody's: none of them moves a terminal's cursor. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
