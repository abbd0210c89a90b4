import type { Reconciled } from "@asynqjs/core/cron";

/** What became of the entries of a file, in one line. */
export function tellReconciled(file: string, { added, edited, removed, unchanged, foreign }: Reconciled): string {
  const count = added.length + edited.length + unchanged.length + foreign.length;
  const did = Object.entries({ added, edited, removed, "left alone, since another owner has": foreign }).filter(
    ([, ids]) => ids.length > 0,
  );
  return [`${file}: ${count} ${count === 1 ? "entry" : "entries"}`, ...did.map(([verb, ids]) => `${verb} ${ids.join(", ")}`)].join("; ");
}
