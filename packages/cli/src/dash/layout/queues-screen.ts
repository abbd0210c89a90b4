import type { QueueInfo } from "@asynqjs/core/inspector";
import { roundedDuration } from "../../format/duration.ts";
import { byteCount, dashErrorRate } from "../../format/number.ts";
import { type DashState, listedQueues, queuesPerPage, type Tab } from "../state.ts";
import { failedLook, labelLook, latencyLook, processedLook, stateLooks, titleLook } from "./colors.ts";
import { harmless } from "./harmless.ts";
import { cut, ends, fit, type Line, plain, type Span, widthOf } from "./line.ts";
import { ratesOf, rateText } from "./rates.ts";
import { sparkline } from "./sparkline.ts";
import { type Column, table } from "./table.ts";

type Bar = Exclude<Tab, "js:quarantine">;
const barStates = Object.keys(stateLooks) as readonly Bar[];

/** A queue on the screen; its numbers come a moment later than its name. */
interface Row {
  readonly queue: string;
  readonly info: QueueInfo | undefined;
  /** It cannot be read: opened, it tells why. */
  readonly isBroken: boolean;
}

const columns: readonly Column<Row>[] = [
  { name: "Queue", least: 10, text: ({ queue }) => harmless(queue) },
  { name: "State", text: ({ info, isBroken }) => (isBroken ? "ERROR" : info === undefined ? "" : info.paused ? "PAUSED" : "RUN") },
  { name: "Size", side: "right", text: of(({ size }) => String(size)) },
  { name: "Latency", side: "right", text: of(({ latencyMs }) => roundedDuration(latencyMs)) },
  {
    name: "MemoryUsage",
    side: "right",
    least: 8,
    text: of(({ memoryUsageBytes: bytes }) => (bytes === undefined ? "-" : byteCount(bytes))),
  },
  { name: "Processed", side: "right", text: of(({ processed }) => String(processed)) },
  { name: "Failed", side: "right", text: of(({ failed }) => String(failed)) },
  { name: "ErrorRate", side: "right", least: 5, text: of(({ processed, failed }) => dashErrorRate(processed, failed)) },
];

function of(text: (info: QueueInfo) => string): (row: Row) => string {
  return ({ info }) => (info === undefined ? "" : text(info));
}

/** All queues: their sizes as bars, and a table. */
export function queuesScreen(state: DashState): readonly Line[] {
  const { columns: width, infos, broken, chosen, names, filter, top } = state;
  const listed = listedQueues(state);
  const shown = listed
    .slice(top, top + queuesPerPage(state))
    .map((queue): Row => ({ queue, info: infos.get(queue), isBroken: broken.has(queue) }));
  const chosenRow = shown.findIndex(({ queue }) => queue === chosen);
  const told = filter === "" ? [] : [{ text: `named like "${harmless(filter)}"  `, look: labelLook }];
  const count = names === undefined ? [] : plain(`${listed.length} ${listed.length === 1 ? "queue" : "queues"}`, labelLook);
  return [
    ends(plain("=== Queues ===", titleLook), [...told, ...count], width),
    ratesLine(state, shown),
    [],
    ...(state.showsBars ? [...bars(shown, width), [], legend, []] : []),
    ...table(columns, shown, width, chosenRow < 0 ? undefined : chosenRow),
    ...emptyNote(state, listed.length),
    pageLine(state, listed.length, shown.length),
  ];
}

function emptyNote({ names, filter }: DashState, listed: number): readonly Line[] {
  if (names === undefined || listed > 0) return [];
  return [plain(filter === "" ? "No queue yet: the first task of one makes it" : "No queue has this in its name", labelLook)];
}

/** What the shown queues do, together. */
function ratesLine({ columns: width, samples }: DashState, shown: readonly Row[]): Line {
  const { processed, failed, latencyMs } = ratesOf(shown.map(({ queue }) => samples.get(queue) ?? []));
  const spark = Math.max(4, Math.min(40, Math.floor((width - 56) / 3)));
  return [
    { text: "Processed ", look: labelLook },
    { text: sparkline(processed, spark), look: processedLook },
    { text: ` ${fit(rateText(processed), 9)}`, look: undefined },
    { text: "Failed ", look: labelLook },
    { text: sparkline(failed, spark), look: failedLook },
    { text: ` ${fit(rateText(failed), 9)}`, look: undefined },
    { text: "Latency ", look: labelLook },
    { text: sparkline(latencyMs, spark), look: latencyLook },
    { text: ` ${cut(roundedDuration(latencyMs.at(-1) ?? 0), 9)}`, look: undefined },
  ];
}

function bars(shown: readonly Row[], width: number): readonly Line[] {
  const sizes = shown.map(({ info }) => (info === undefined ? "" : String(info.size)));
  const sizeWidth = Math.max(0, ...sizes.map(widthOf));
  const nameWidth = Math.min(Math.floor(width / 3), Math.max(0, ...shown.map(({ queue }) => widthOf(harmless(queue)))));
  const room = Math.max(1, width - nameWidth - sizeWidth - 3);
  const most = Math.max(room, ...shown.map(({ info }) => info?.size ?? 0));
  return shown.map(({ queue, info }, i) => [
    { text: `${fit(harmless(queue), nameWidth)} |` },
    ...(info === undefined ? [] : segments(info, most, room)),
    { text: ` ${sizes[i]}` },
  ]);
}

/** A part for each state that has tasks, however few they are; `most` tasks take all the room. */
function segments(info: QueueInfo, most: number, room: number): readonly Span[] {
  const lengths = barStates.map((state) => (info[state] === 0 ? 0 : Math.max(1, Math.floor((info[state] * room) / most))));
  let over = lengths.reduce((sum, length) => sum + length, 0) - room;
  for (; over > 0; over--) {
    const longest = lengths.indexOf(Math.max(...lengths));
    lengths[longest]!--;
  }
  return barStates.map((state, i) => ({ text: "▇".repeat(lengths[i]!), look: stateLooks[state] }));
}

const legend: Line = barStates.flatMap((state, i) => [{ text: `${i === 0 ? "" : " "}${state}=` }, { text: "▇", look: stateLooks[state] }]);

function pageLine(state: DashState, listed: number, shown: number): Line {
  if (listed <= shown) return [];
  const { top } = state;
  const next = top + shown < listed ? "  n=NextPage" : "";
  const previous = top > 0 ? "  p=PrevPage" : "";
  return plain(`Showing ${top + 1}-${top + shown} out of ${listed}${next}${previous}`, labelLook);
}
