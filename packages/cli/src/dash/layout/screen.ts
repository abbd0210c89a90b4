import type { DashState } from "../state.ts";
import { helpModal, question, taskModal } from "./boxes.ts";
import { footer } from "./footer.ts";
import { fill, type Line } from "./line.ts";
import { queueScreen } from "./queue-screen.ts";
import { queuesScreen } from "./queues-screen.ts";

/** The whole screen: exactly as many lines as it has rows, each exactly as wide. */
export function screen(state: DashState): readonly Line[] {
  const { columns, rows, view, asked, showsHelp } = state;
  const body = view === undefined ? queuesScreen(state) : queueScreen(state, view);
  const room = Math.max(0, rows - 1);
  let lines: readonly Line[] = Array.from({ length: room }, (_, row) => fill(body[row] ?? [], columns));
  if (view?.opened !== undefined) lines = taskModal(state, view.opened, lines);
  if (showsHelp) lines = helpModal(state, lines);
  if (asked !== undefined) lines = question(state, asked, lines);
  return [...lines, footer(state)].slice(-rows).map((line) => fill(line, columns));
}
