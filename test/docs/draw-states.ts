/** Writes `docs/state-machine.md` from core's table of transitions: `node scripts/run.mjs node test/docs/draw-states.ts`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Place, type Transition, transitions } from "@asynqjs/core";

/** The page, drawn from the table. */
export function drawStates(table: readonly Transition[] = transitions): string {
  const node = (place: Place): string => (place === "none" ? "[*]" : place === "js:quarantine" ? "quarantine" : place);
  const arrows = new Map<string, string[]>();
  for (const { from, to, by } of table) {
    const arrow = `${node(from)} --> ${node(to)}`;
    arrows.set(arrow, [...(arrows.get(arrow) ?? []), by]);
  }
  return `# A task's states

Drawn from the table in \`packages/core/src/task-state.ts\` by \`test/docs/draw-states.ts\`; \`packages/core/src/broker/transitions.test.ts\` makes each
transition happen on a real Redis, through every port. The states are Asynq's, but for \`js:quarantine\`
([what is added](extensions.md)); \`[*]\` is no task.

\`\`\`mermaid
stateDiagram-v2
${[...arrows].map(([arrow, names]) => `  ${arrow}: ${names.join(", ")}`).join("\n")}
\`\`\`

| from | to | by | when |
| --- | --- | --- | --- |
${table.map(({ from, to, by, when }) => `| ${from} | ${to} | \`${by}\` | ${when} |`).join("\n")}

Within a state: \`aggregationCheck\` takes tasks of a group into an aggregation set, \`reclaimStaleAggregationSets\` gives them back;
\`extendLeases\` keeps an active task its worker's; \`repairQueue\` puts an active task whose lease or place in a list was lost back where the
recoverer finds it, and makes a task that Go moved without saying so tell the state of the container it stands in; \`repairKeys\` puts a task of
a group that is in none back into it.
`;
}

export const statesFile: string = fileURLToPath(new URL("../../docs/state-machine.md", import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(statesFile, drawStates());
