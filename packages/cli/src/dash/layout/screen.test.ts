import { expect, test } from "vitest";
import { type Driven, drive, nowMs, queueInfo, storedTask } from "../../../test/dash-state.ts";
import { lineWidth } from "./line.ts";
import { screen } from "./screen.ts";

const hostile = "\x1b[31m漢字\u202e\x07\n";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A queue in which everything there is to show is shown. */
function inQueue(columns: number, rows: number): Driven {
  const dash = drive(columns, rows);
  const info = queueInfo(hostile, {
    size: 99_999_999,
    retry: 99_999_999,
    pending: 12_345_678,
    quarantined: 1,
    groups: 40,
    aggregating: 80,
  });
  dash.queues(info, queueInfo("b".repeat(200), { paused: true, active: 1, size: 1, completed: 1 }));
  dash.press("j", "enter", "l", "l", "l", "l");
  dash.queue(info, {
    tasks: [
      storedTask(hostile.repeat(20), {
        ...{ state: "retry", type: hostile, lastErr: hostile.repeat(99), payload: bytes(hostile), lastFailedAt: new Date(nowMs - 65_000) },
        nextProcessAt: new Date(nowMs + 300_000),
      }),
      storedTask("t2", { state: "retry", payload: bytes('{"a":"漢字"}'.repeat(50)), result: bytes("ok") }),
    ],
  });
  return dash;
}

const ways: Readonly<Record<string, (columns: number, rows: number) => Driven>> = {
  "the queues before they are known": drive,
  "no queue": (columns, rows) => pressed(drive(columns, rows)),
  "a hostile queue": inQueue,
  "its task": (columns, rows) => pressed(inQueue(columns, rows), "j", "enter"),
  "a task scrolled to its end": (columns, rows) => pressed(inQueue(columns, rows), "j", "j", "enter", "n", "n", "n"),
  "a question": (columns, rows) => pressed(inQueue(columns, rows), "j", "d"),
  help: (columns, rows) => pressed(inQueue(columns, rows), "?"),
  groups(columns, rows) {
    const dash = pressed(inQueue(columns, rows), "h", "h");
    const groups = Array.from({ length: 40 }, (_, i) => ({ group: hostile + i, size: 2 }));
    dash.queue(queueInfo(hostile, { groups: 40, aggregating: 80 }), { groups });
    return dash;
  },
  "a search that is typed": (columns, rows) => pressed(inQueue(columns, rows), "/", ..."漢字".repeat(60)),
  "a search that goes on": (columns, rows) => pressed(inQueue(columns, rows), "/", "x", "enter"),
  "a queue that is gone"(columns, rows) {
    const dash = inQueue(columns, rows);
    dash.queue(undefined, { tasks: [] });
    return dash;
  },
  "Redis away"(columns, rows) {
    const dash = inQueue(columns, rows);
    dash.send({ type: "failed", look: dash.state.look, why: `redis did not answer: ${hostile.repeat(20)}` });
    return dash;
  },
  "work under way": (columns, rows) => pressed(inQueue(columns, rows), "D", "y"),
};

function pressed(dash: Driven, ...keys: readonly string[]): Driven {
  if (dash.state.names === undefined) dash.queues();
  dash.press(...keys);
  return dash;
}

test.for(Object.entries(ways))("%s fills every screen exactly, and writes nothing that a terminal acts on", ([, at]) => {
  for (const columns of [1, 20, 79, 80, 132])
    for (const rows of [1, 5, 23, 24, 50]) {
      const lines = screen(at(columns, rows).state);
      expect({ columns, rows, lines: lines.length }).toEqual({ columns, rows, lines: rows });
      for (const line of lines) {
        expect(lineWidth(line)).toBe(columns);
        for (const { text } of line) expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }
    }
});

function textOf(dash: Driven): string[] {
  return screen(dash.state).map((line) =>
    line
      .map(({ text }) => text)
      .join("")
      .trimEnd(),
  );
}

test("the queues are shown with their bars, largest to the edge, and a table", () => {
  const dash = drive(80, 14);
  dash.queues(
    queueInfo("low", { size: 100, pending: 90, retry: 10, processed: 8, failed: 1 }),
    queueInfo("mail", { size: 1, active: 1, paused: true, latencyMs: 61_400 }),
  );
  dash.press("j");
  expect(textOf(dash)).toEqual([
    `=== Queues ===${" ".repeat(58)}2 queues`,
    "Processed          -        Failed          -        Latency        █ 1m1s",
    "",
    `low  |${"▇".repeat(70)} 100`,
    "mail |▇ 1",
    "",
    "active=▇ pending=▇ aggregating=▇ scheduled=▇ retry=▇ archived=▇ completed=▇",
    "",
    "Queue  State   Size  Latency  MemoryUsage  Processed  Failed  ErrorRate",
    "low    RUN      100       0s       1.2 kB          8       1       0.12",
    "mail   PAUSED     1     1m1s       1.2 kB          0       0          -",
    "",
    "",
    "<?>: Help    <Ctrl+C>: Exit",
  ]);
});

test("a queue shows how it stands, what it does, its states and the tasks of one", () => {
  const dash = drive(80, 24);
  const info = queueInfo("mail", { size: 12, scheduled: 12 });
  dash.queues(info);
  dash.press("j", "enter", "l", "l", "l");
  dash.queue(
    { ...info, processedTotal: 10 },
    { tasks: [storedTask("t1", { state: "scheduled", nextProcessAt: new Date(nowMs + 300_000), payload: bytes("{}") })] },
  );
  const lines = textOf(dash);
  expect(lines.slice(0, 10)).toEqual([
    "=== Queue Summary ===",
    "",
    "Name      mail                      Processed                      ▁ 0/s",
    "Size      12                        Failed                         ▁ 0/s",
    "Latency   0s                        Latency                       ▁▁ 0s",
    "MemUsage  1.2 kB",
    "",
    "=== Tasks ===",
    "",
    "Active:0 Pending:0 Aggregating:0 Scheduled:12 Retry:0 Archived:0 Completed:0",
  ]);
  expect(lines.slice(11)).toEqual([
    "ID    Type          Next Process Time    Payload",
    "t1    email:send    in 5m0s              {}",
    "Showing 1-1 out of 12  n=NextPage",
    ...Array(9).fill(""),
    "<?>: Help    <Ctrl+C>: Exit",
  ]);
});

test("a task that is gone is said to be so, and an incomplete search too", () => {
  const dash = inQueue(80, 24);
  dash.press("j", "j", "enter");
  const { queue } = dash.state.view!;
  const none = { of: "queue", queue, info: queueInfo(queue), tasks: [], groups: undefined, hasMoreGroups: false } as const;
  dash.send({
    type: "loaded",
    look: dash.state.look,
    atMs: nowMs,
    isRefresh: true,
    loaded: { ...none, found: undefined, opened: { id: "t2" } },
  });
  expect(textOf(dash).join("\n")).toContain('Task "t2" no longer exists');
  dash.press("q", "/", ..."id:t", "enter");
  const found = { tasks: [storedTask("t1")], looked: 10_000, unreadable: 2, incomplete: true };
  dash.send({ type: "loaded", look: dash.state.look, atMs: nowMs, isRefresh: true, loaded: { ...none, found, opened: undefined } });
  expect(textOf(dash)[9]).toBe("id:t: 1 task found of 10000 looked at, 2 of them cannot be read  incomplete: the");
});
