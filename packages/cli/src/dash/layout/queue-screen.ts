import type { GroupInfo, StoredTask } from "@asynqjs/core/inspector";
import { dashText } from "../../format/bytes.ts";
import { roundedDuration } from "../../format/duration.ts";
import { byteCount } from "../../format/number.ts";
import {
  countOf,
  type DashState,
  listsGroups,
  type QueueView,
  rowsPerPage,
  shownGroups,
  shownTasks,
  type Tab,
  type TaskRow,
  tabs,
  totalRows,
} from "../state.ts";
import { tabName } from "../verbs.ts";
import { failedLook, labelLook, latencyLook, processedLook, titleLook } from "./colors.ts";
import { harmless } from "./harmless.ts";
import { fit, type Line, type Look, lineWidth, plain, slice } from "./line.ts";
import { type Rates, ratesOf, rateText } from "./rates.ts";
import { sparkline } from "./sparkline.ts";
import { type Column, table } from "./table.ts";
import { sinceText, untilText } from "./times.ts";

/** One queue: how it stands, and the tasks of a state, a group or a search. */
export function queueScreen(state: DashState, view: QueueView): readonly Line[] {
  return [
    plain("=== Queue Summary ===", titleLook),
    [],
    ...summary(state, view),
    [],
    plain(view.search === undefined ? "=== Tasks ===" : "=== Search ===", titleLook),
    [],
    view.search === undefined ? statesLine(view, state.columns) : searchLine(view.search),
    [],
    ...(listsGroups(view) ? groupTable(state, view) : taskTable(state, view)),
  ];
}

function summary({ columns: width, samples }: DashState, { queue, info }: QueueView): readonly Line[] {
  const rates = ratesOf([samples.get(queue) ?? []]);
  const left = Math.max(24, Math.floor(width * 0.45));
  const spark = Math.max(4, Math.min(60, width - left - 22));
  const row = (label: string, value: string, right: Line): Line => [
    { text: fit(label, 10), look: labelLook },
    { text: `${fit(value, left - 12)}  ` },
    ...right,
  ];
  const line = (label: string, values: readonly number[], text: string, look: Look): Line => [
    { text: fit(label, 10), look: labelLook },
    { text: sparkline(values, spark), look },
    { text: ` ${text}` },
  ];
  const { processed, failed, latencyMs }: Rates = rates;
  return [
    row("Name", `${harmless(queue)}${info?.paused ? " (paused)" : ""}`, line("Processed", processed, rateText(processed), processedLook)),
    row("Size", info === undefined ? "" : String(info.size), line("Failed", failed, rateText(failed), failedLook)),
    row(
      "Latency",
      info === undefined ? "" : roundedDuration(info.latencyMs),
      line("Latency", latencyMs, latencyMs.length === 0 ? "-" : roundedDuration(latencyMs.at(-1)!), latencyLook),
    ),
    row("MemUsage", info?.memoryUsageBytes === undefined ? "" : byteCount(info.memoryUsageBytes), []),
  ];
}

/** `Active:1    Pending:20 …`; what does not fit is drawn together until it does. */
function statesLine({ info, tab }: QueueView, width: number): Line {
  if (info === undefined) return [];
  const shown = tabs.filter((name) => name !== "js:quarantine" || name === tab || info.quarantined > 0);
  const line = (gap: number, nameOf: (tab: Tab) => string, numberOf: (count: number) => string): Line =>
    shown.flatMap((name, i) => [
      { text: i === 0 ? "" : " ".repeat(gap) },
      {
        text: `${nameOf(name)}:${numberOf(countOf(info, name))}`,
        look: name === tab ? { bold: true, underline: true, inverse: true } : undefined,
      },
    ]);
  for (const [nameOf, numberOf] of [
    [titleOf, String],
    [shortTitleOf, String],
    [shortTitleOf, briefly],
  ] as const)
    for (const gap of [4, 3, 2, 1]) {
      const tried = line(gap, nameOf, numberOf);
      if (lineWidth(tried) <= width) return tried;
    }
  return slice(line(1, shortTitleOf, briefly), 0, width);
}

function titleOf(tab: Tab): string {
  const name = tabName(tab);
  return name[0]!.toUpperCase() + name.slice(1);
}

const shortTitles: Readonly<Partial<Record<Tab, string>>> = {
  aggregating: "Aggr",
  scheduled: "Sched",
  archived: "Arch",
  completed: "Compl",
  "js:quarantine": "Quar",
};

function shortTitleOf(tab: Tab): string {
  return shortTitles[tab] ?? titleOf(tab);
}

function briefly(count: number): string {
  if (count < 10_000) return String(count);
  return count < 1_000_000 ? `${Math.floor(count / 1000)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

function searchLine({ text, found }: NonNullable<QueueView["search"]>): Line {
  const told = harmless(text);
  if (found === undefined) return plain(`${told}: looking…`);
  const unreadable = found.unreadable > 0 ? `, ${found.unreadable} of them cannot be read` : "";
  const tasks = found.tasks.length === 1 ? "task" : "tasks";
  return [
    { text: `${told}: ${found.tasks.length} ${tasks} found of ${found.looked} looked at${unreadable}` },
    ...(found.incomplete ? [{ text: "  incomplete: there are more to look at", look: { bold: true, color: 11 } }] : []),
  ];
}

const id: Column<TaskRow> = { name: "ID", least: 8, text: (row) => harmless(row.id) };
const type = field("Type", (task) => harmless(task.type), { least: 10 });
const retried = field("Retried", (task) => String(task.retried), { side: "right", least: 3 });
const maxRetry = field("Max Retry", (task) => String(task.maxRetry), { side: "right", least: 3 });
const retry = field("Retry", (task) => `${task.retried}/${task.maxRetry}`, { side: "right" });
const lastFailure = field("Last Failure", (task) => harmless(task.lastErr ?? ""), { least: 16 });
const result = field("Result", (task) => dashText(task.result), { least: 10 });
const group = field("Group", (task) => harmless(task.group ?? ""), { least: 8 });
const stands = field("State", (task) => tabName(task.state), {});
/** Of a task that cannot be read it is told why. */
const payload: Column<TaskRow> = {
  name: "Payload",
  least: 14,
  text: (row) => ("why" in row ? `<${harmless(row.why)}>` : dashText(row.payload)),
};

function field(name: string, text: (task: StoredTask) => string, more: Pick<Column<TaskRow>, "short" | "side" | "least">): Column<TaskRow> {
  return { name, ...more, text: (row) => ("why" in row ? "" : text(row)) };
}

function columnsOf(tab: Tab | "found", nowMs: number): readonly Column<TaskRow>[] {
  const next = field("Next Process Time", (task) => untilText(task.nextProcessAt, nowMs), { short: "Due", least: 9 });
  const failedAt = field("Last Failure Time", (task) => sinceText(task.lastFailedAt, nowMs), { short: "Failed", least: 9 });
  const completedAt = field("Completion Time", (task) => sinceText(task.completedAt, nowMs), { short: "Completed", least: 9 });
  switch (tab) {
    case "active":
    case "pending":
      return [id, type, retried, maxRetry, payload];
    case "aggregating":
      return [id, type, payload, group];
    case "scheduled":
      return [id, type, next, payload];
    case "retry":
      return [id, type, retry, lastFailure, failedAt, next, payload];
    case "archived":
      return [id, type, retry, lastFailure, failedAt, payload];
    case "completed":
      return [id, type, completedAt, payload, result];
    case "js:quarantine":
      return [id, payload];
    case "found":
      return [id, type, stands, lastFailure, payload];
    default:
      return tab satisfies never;
  }
}

function taskTable(state: DashState, view: QueueView): readonly Line[] {
  const rows = shownTasks(state, view);
  if (rows.length === 0) return [plain(emptyNote(view), labelLook)];
  return [
    ...table(
      columnsOf(view.search === undefined ? view.tab : "found", state.nowMs),
      rows,
      state.columns,
      view.row === 0 ? undefined : view.row - 1,
    ),
    pageLine(state, view, rows.length, ""),
  ];
}

/** Why there is no table. */
function emptyNote({ tab, queue, group: of, info, tasks, search }: QueueView): string {
  if (search !== undefined) return search.found === undefined ? "" : "No such task";
  if (tasks === undefined) return "";
  if (info === undefined) return `Queue "${harmless(queue)}" no longer exists`;
  return of === undefined ? `No ${tabName(tab)} tasks` : `No ${tabName(tab)} tasks in group "${harmless(of)}"`;
}

const groupColumns: readonly Column<GroupInfo>[] = [
  { name: "Name", least: 10, text: (info) => harmless(info.group) },
  { name: "Size", side: "right", text: (info) => String(info.size) },
];

function groupTable(state: DashState, view: QueueView): readonly Line[] {
  const rows = shownGroups(state, view);
  if (rows.length === 0) return [plain(view.groups === undefined ? "" : "No groups", labelLook)];
  return [
    plain("<<< Select group >>>"),
    ...table(groupColumns, rows, state.columns, view.row === 0 ? undefined : view.row - 1),
    pageLine(state, view, rows.length, view.hasMoreGroups ? " and more" : ""),
  ];
}

function pageLine(state: DashState, view: QueueView, shown: number, more: string): Line {
  const size = rowsPerPage(state, view);
  const total = totalRows(view);
  if (total <= size && more === "") return [];
  const start = (view.page - 1) * size;
  const next = start + size < total ? "  n=NextPage" : "";
  const previous = view.page > 1 ? "  p=PrevPage" : "";
  return plain(`Showing ${start + 1}-${start + shown} out of ${total}${more}${next}${previous}`, labelLook);
}
