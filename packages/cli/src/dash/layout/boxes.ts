/** What is laid over a screen: a task, the help, a question. @module */
import type { StoredTask } from "@asynqjs/core/inspector";
import { dashText } from "../../format/bytes.ts";
import { timeText } from "../../format/time.ts";
import type { Action, DashState, Opened } from "../state.ts";
import { canBeDone, questionOf, tabName, verbKeys } from "../verbs.ts";
import { boxLook, keyLook, labelLook, titleLook } from "./colors.ts";
import { harmless } from "./harmless.ts";
import { fill, fit, type Line, lineWidth, overlay, plain, type Span, widthOf, wrap } from "./line.ts";
import { sinceText, untilText } from "./times.ts";

/** A frame with lines in it, in the middle of the screen. */
function inMiddle(
  below: readonly Line[],
  inner: readonly Line[],
  width: number,
  height: number,
  columns: number,
  rows: number,
): readonly Line[] {
  const edge = (left: string, right: string): Line => plain(`${left}${"─".repeat(width - 2)}${right}`, boxLook);
  const block = [
    edge("┌", "┐"),
    ...Array.from(
      { length: height - 2 },
      (_, i): Line => [{ text: "│ ", look: boxLook }, ...fill(inner[i] ?? [], width - 4), { text: " │", look: boxLook }],
    ),
    edge("└", "┘"),
  ];
  return overlay(below, block, Math.max(0, Math.floor((rows - height) / 2)), Math.max(0, Math.floor((columns - width) / 2)), columns);
}

/** Six tenths of the screen, or more where that is little. */
function modalSize({ columns, rows }: DashState): { readonly width: number; readonly height: number } {
  return {
    width: Math.max(8, Math.floor(columns * 0.6), Math.min(columns - 4, 72)),
    height: Math.max(4, Math.floor(rows * 0.6), Math.min(rows - 4, 18)),
  };
}

/** A task whole, from the line to which it is scrolled. */
export function taskModal(state: DashState, opened: Opened, below: readonly Line[]): readonly Line[] {
  const { width, height } = modalSize(state);
  const body = taskLines(opened, width - 4, state.nowMs);
  const room = height - 4;
  const from = Math.max(0, Math.min(opened.scrolled, body.length - room));
  const more = body.length > room ? `  ${from + 1}-${Math.min(body.length, from + room)} of ${body.length} lines` : "";
  const head: Line = [
    { text: "=== Task Info ===", look: titleLook },
    { text: more, look: labelLook },
  ];
  return inMiddle(below, [head, [], ...body.slice(from, from + room)], width, height, state.columns, state.rows);
}

/** How far a task can be scrolled. */
export function lastScroll(state: DashState, opened: Opened): number {
  const { width, height } = modalSize(state);
  return Math.max(0, taskLines(opened, width - 4, state.nowMs).length - (height - 4));
}

function taskLines({ id, task, why, log = [], isGone }: Opened, width: number, nowMs: number): readonly Line[] {
  if (isGone) return wrap(`Task "${harmless(id)}" no longer exists`, width).map((text) => plain(text));
  const rows: (readonly [string, string])[] =
    task === undefined
      ? [["ID", harmless(id)], ...(why === undefined ? [] : [["Unreadable", harmless(why)] as const])]
      : fieldsOf(task, nowMs);
  const lines = rows.flatMap(([label, value]) => labelled(label, value, width));
  if (task === undefined) return lines;
  const logged = log.flatMap(({ message, atMs }) => labelled(new Date(atMs).toISOString(), shownText(message), width));
  return [...lines, [], ...verbLines(task, width), ...(logged.length === 0 ? [] : [[], plain("=== Log ===", titleLook), ...logged])];
}

function fieldsOf(task: StoredTask, nowMs: number): (readonly [string, string])[] {
  const { lastErr, lastFailedAt, nextProcessAt, completedAt, deadline } = task;
  const rows: (readonly [string, string] | undefined)[] = [
    ["ID", harmless(task.id)],
    ["Type", harmless(task.type)],
    ["State", `${tabName(task.state)}${task.isOrphaned ? " (orphaned: no worker holds it)" : ""}`],
    ["Queue", harmless(task.queue)],
    task.group === undefined ? undefined : ["Group", harmless(task.group)],
    ["Retry", `${task.retried}/${task.maxRetry}`],
    lastErr === undefined ? undefined : ["Last Failure", shownText(lastErr)],
    lastFailedAt && ["Last Failure Time", `${timeText(lastFailedAt)} (${sinceText(lastFailedAt, nowMs)})`],
    nextProcessAt && ["Next Process Time", `${timeText(nextProcessAt)} (${untilText(nextProcessAt, nowMs)})`],
    completedAt && ["Completion Time", `${timeText(completedAt)} (${sinceText(completedAt, nowMs)})`],
    deadline && ["Deadline", `${timeText(deadline)} (${untilText(deadline, nowMs)})`],
    ["Payload", bytesText(task.payload)],
    task.result && ["Result", bytesText(task.result)],
  ];
  return rows.filter((row) => row !== undefined);
}

/** As in a table, and where there is room for it text of several lines too. */
function bytesText(bytes: Uint8Array | undefined): string {
  const text = dashText(bytes);
  if (text !== "<non-printable>" || bytes === undefined || bytes.length === 0) return text;
  try {
    const read = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\t\r\n]*$/u.test(read) && /\S/.test(read)
      ? shownText(read)
      : `${text} (${bytes.length} bytes)`;
  } catch {
    return `${text} (${bytes.length} bytes)`;
  }
}

/** Harmless text that keeps its lines. */
function shownText(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replaceAll("\t", "  ")
    .split("\n")
    .map((line) => harmless(line))
    .join("\n");
}

function labelled(label: string, value: string, width: number): Line[] {
  const start = `${label}: `;
  const [first = "", ...rest] = value.split("\n").flatMap((text, i) => wrap(i === 0 ? start + text : text, width));
  return [
    [{ text: first.slice(0, start.length), look: labelLook }, { text: first.slice(start.length) }],
    ...rest.map((text) => plain(text)),
  ];
}

/** The keys that do something with it. */
function verbLines(task: StoredTask, width: number): readonly Line[] {
  const spans: Span[] = Object.entries(verbKeys)
    .filter(([, verb]) => canBeDone(verb, task.state))
    .flatMap(([key, verb]) => [{ text: `<${key}>`, look: keyLook }, { text: `: ${verb}  ` }]);
  return lineWidth(spans) <= width ? [spans] : [];
}

const help: readonly (readonly [string, string])[] = [
  ["<Enter>", "select"],
  ["<Esc> or <q>", "go back; from the queues: exit"],
  ["<Up> or <k>, <Down> or <j>", "move up, down"],
  ["<Left> or <h>, <Right> or <l>", "previous, next state of tasks"],
  ["<n>, <p>", "next, previous page"],
  ["</>", "queues: by name; tasks: search"],
  ["<b>", "queues: with or without bars"],
  ["<P>", "pause or resume the queue"],
  ["<r> <a> <d>", "run, archive, delete the task"],
  ["<e> <c>", "redrive (begin anew), cancel the task"],
  ["<R> <A> <D> <E> <C>", "the same with all that are listed"],
  ["<Ctrl+L>, <Ctrl+C>", "redraw, exit"],
];

export function helpModal(state: DashState, below: readonly Line[]): readonly Line[] {
  const { width, height } = modalSize(state);
  const keys = Math.max(...help.map(([key]) => widthOf(key))) + 2;
  const lines = help.map(([key, does]): Line => [{ text: fit(key, keys), look: keyLook }, { text: does }]);
  return inMiddle(below, [plain("=== Help ===", titleLook), [], ...lines], width, height, state.columns, state.rows);
}

/** A question that only a `y` says yes to. */
export function question(state: DashState, action: Action, below: readonly Line[]): readonly Line[] {
  const width = Math.max(8, Math.min(state.columns - 4, 64));
  const asked = wrap(harmless(questionOf(action)), width - 4).slice(0, Math.max(1, state.rows - 6));
  const keys: Line = [
    { text: "<y>", look: keyLook },
    { text: ": Yes    " },
    { text: "<n>", look: keyLook },
    { text: " or " },
    { text: "<Esc>", look: keyLook },
    { text: ": No" },
  ];
  const lines = [...asked.map((text) => plain(text, titleLook)), [], keys];
  return inMiddle(below, lines, width, lines.length + 2, state.columns, state.rows);
}
