import { expect, test } from "vitest";
import { drive, nowMs, queueInfo, storedTask } from "../../test/dash-state.ts";
import { requestOf } from "./request.ts";

const load = { do: "load", isRefresh: false };

test("the highlight goes through the queues and through none of them, both ways", () => {
  const dash = drive();
  dash.queues(queueInfo("a"), queueInfo("b"));
  const seen = ["j", "down", "j", "k", "up", "k"].map((key) => {
    dash.press(key);
    return dash.state.chosen;
  });
  expect(seen).toEqual(["a", "b", undefined, "b", "a", undefined]);
});

test("of very many queues only those in the window are asked for, and the window follows the highlight", () => {
  const dash = drive();
  const names = Array.from({ length: 10_000 }, (_, i) => `q${String(i).padStart(4, "0")}`);
  const loaded = { of: "queues", names, infos: [queueInfo("q0000")], broken: [] } as const;
  dash.send({ type: "loaded", look: 1, atMs: nowMs, isRefresh: true, loaded });
  expect(requestOf(dash.state)).toEqual({ of: "queues", filter: "", first: 0, count: 7 });

  dash.press(..."jjjjjjj");
  expect(dash.effects).toEqual([]);
  dash.press("j");
  expect(dash.effects).toEqual([load]);
  expect(requestOf(dash.state)).toMatchObject({ first: 1, count: 7 });
  dash.press("end");
  expect(requestOf(dash.state)).toMatchObject({ first: 9993 });
  dash.press("b");
  expect(requestOf(dash.state)).toMatchObject({ first: 9982, count: 18 });
  dash.press("p");
  expect(requestOf(dash.state)).toMatchObject({ first: 9964 });
});

test("a highlighted queue stays so though others come before it, and none is where it went", () => {
  const dash = drive();
  dash.queues(queueInfo("m"), queueInfo("n"));
  dash.press("j");
  dash.queues(queueInfo("a"), queueInfo("m"), queueInfo("n"));
  expect(dash.state.chosen).toBe("m");
  dash.queues(queueInfo("a"));
  expect(dash.state.chosen).toBeUndefined();
});

test("Enter opens the highlighted queue at its active tasks, and Esc goes back by steps, out of the queues to the end", () => {
  const dash = drive();
  dash.queues(queueInfo("mail", { pending: 1 }));
  dash.press("enter");
  expect(dash.state.view).toBeUndefined();
  dash.press("j", "enter");
  expect(dash.effects).toEqual([load]);
  expect(requestOf(dash.state)).toMatchObject({ queue: "mail", tab: "active", page: 1, pageSize: 9, wantsTasks: true, wantsGroups: false });

  dash.press("l");
  dash.queue(queueInfo("mail", { pending: 1 }), { tasks: [storedTask("t1")] });
  dash.press("j", "enter");
  expect(requestOf(dash.state)).toMatchObject({ tab: "pending", opened: "t1" });
  dash.press("l");
  expect(dash.state.view!.tab).toBe("pending");
  dash.press("escape");
  expect(dash.state.view!.opened).toBeUndefined();
  dash.press("q");
  expect(dash.state.view).toBeUndefined();
  dash.press("q");
  expect(dash.effects).toEqual([{ do: "quit" }]);
});

test("the states go round, what is quarantined among them where there is some", () => {
  const dash = drive();
  dash.queues(queueInfo("mail", { quarantined: 1 }));
  dash.press("j", "enter", "h");
  expect(dash.state.view!.tab).toBe("js:quarantine");
  dash.press("right");
  expect(dash.state.view!.tab).toBe("active");
  dash.queue(queueInfo("mail"), { tasks: [] });
  dash.press("h");
  expect(dash.state.view!.tab).toBe("completed");
});

test("the row of a group is bounded by the groups there are, and counts from the page that is shown", () => {
  const dash = drive();
  dash.queues(queueInfo("mail", { groups: 10, aggregating: 30 }));
  dash.press("j", "enter", "l", "l");
  const groups = Array.from({ length: 10 }, (_, i) => ({ group: `g${i}`, size: 3 }));
  dash.queue(queueInfo("mail", { groups: 10, aggregating: 30 }), { groups });
  dash.press("n");
  dash.queue(queueInfo("mail", { groups: 10, aggregating: 30 }), { groups });
  dash.press("j", "j");
  expect(dash.state.view).toMatchObject({ page: 2, row: 2 });
  dash.press("j");
  expect(dash.state.view!.row).toBe(0);
  dash.press("k", "enter");
  expect(requestOf(dash.state)).toMatchObject({ group: "g9", page: 1, wantsTasks: true });
});

test("there is no page more of groups than there are, though they fill the last one", () => {
  const dash = drive();
  const info = queueInfo("mail", { groups: 16, aggregating: 16 });
  const groups = Array.from({ length: 16 }, (_, i) => ({ group: `g${i}`, size: 1 }));
  dash.queues(info);
  dash.press("j", "enter", "l", "l");
  dash.queue(info, { groups });
  dash.press("n");
  expect(dash.state.view!.page).toBe(2);
  dash.press("n");
  expect(dash.state.view!.page).toBe(2);
});

test("pages inside a group go by the group's size, not by the queue's", () => {
  const dash = drive();
  const info = queueInfo("mail", { groups: 2, aggregating: 100 });
  const groups = [
    { group: "a", size: 5 },
    { group: "b", size: 95 },
  ];
  dash.queues(info);
  dash.press("j", "enter", "l", "l");
  dash.queue(info, { groups });
  dash.press("j", "enter");
  dash.queue(info, { groups, tasks: [1, 2, 3, 4, 5].map((n) => storedTask(`t${n}`, { state: "aggregating", group: "a" })) });
  dash.press("n");
  expect(dash.state.view!.page).toBe(1);
});

test("a page that is gone gives way to the last one there is", () => {
  const dash = drive();
  dash.queues(queueInfo("mail", { active: 20 }));
  dash.press("j", "enter");
  dash.queue(queueInfo("mail", { active: 20 }), { tasks: [storedTask("t1")] });
  dash.press("n", "n");
  expect(dash.state.view!.page).toBe(3);
  dash.queue(queueInfo("mail", { active: 5 }), { tasks: [] });
  expect(dash.state.view!.page).toBe(1);
  expect(dash.effects).toEqual([load]);
});

test("nothing is changed before a y: a, then n, Esc, or any other key, does nothing", () => {
  const dash = drive();
  dash.queues(queueInfo("mail", { pending: 1 }));
  dash.press("j", "enter", "l");
  dash.queue(queueInfo("mail", { pending: 1 }), { tasks: [storedTask("t1")] });
  dash.press("j", "d");
  const action = { on: "task", queue: "mail", id: "t1", verb: "delete" };
  expect(dash.state.asked).toEqual(action);
  dash.press("d", "enter", " ");
  expect(dash.state.asked).toEqual(action);
  dash.press("n");
  expect(dash.state.asked).toBeUndefined();
  expect(dash.effects).toEqual([]);
  dash.press("d", "y");
  expect(dash.effects).toEqual([{ do: "act", action }]);
});

test("a verb that its state does not take is refused with why, before anything is asked", () => {
  const dash = drive();
  dash.queues(queueInfo("mail", { pending: 1 }));
  dash.press("j", "enter", "l");
  dash.queue(queueInfo("mail", { pending: 1 }), { tasks: [storedTask("t1")] });
  dash.press("e");
  expect(dash.state.notice).toEqual({ text: "move to a row first", isBad: true });
  dash.press("j", "e");
  expect(dash.state.asked).toBeUndefined();
  expect(dash.state.notice!.text).toBe("redrive is for retry or archived tasks, not for pending ones");
});

test("a capital means all: of the state, of the group, or of what a search found", () => {
  const dash = drive();
  const info = queueInfo("mail", { archived: 12, groups: 1, aggregating: 7 });
  dash.queues(info);
  dash.press("j", "enter", "h", "h");
  dash.queue(info, { tasks: [storedTask("t1", { state: "archived" })] });
  dash.press("D");
  expect(dash.state.asked).toEqual({ on: "tab", queue: "mail", verb: "delete", tab: "archived", group: undefined, count: 12 });

  dash.press("n", "h", "h", "h");
  dash.queue(info, { groups: [{ group: "g", size: 7 }] });
  dash.press("j", "enter");
  dash.queue(info, { groups: [{ group: "g", size: 7 }], tasks: [storedTask("t2", { state: "aggregating", group: "g" })] });
  dash.press("R");
  expect(dash.state.asked).toMatchObject({ on: "tab", verb: "run", tab: "aggregating", group: "g", count: 7 });

  dash.press("n", "/", ..."id:t", "enter");
  const found = { tasks: [storedTask("t1")], looked: 10_000, unreadable: 0, incomplete: true };
  const loaded = {
    of: "queue",
    queue: "mail",
    info,
    tasks: undefined,
    groups: undefined,
    hasMoreGroups: false,
    found,
    opened: undefined,
  } as const;
  dash.send({ type: "loaded", look: dash.state.look, atMs: nowMs, isRefresh: false, loaded });
  dash.press("A");
  expect(dash.state.asked).toMatchObject({ on: "found", verb: "archive", text: "id:t", filter: { id: "t" }, found: "1 or more" });
});

test("while something is done Esc stops it, and nothing else can be begun", () => {
  const dash = drive();
  dash.queues(queueInfo("mail"));
  dash.press("j", "P");
  expect(dash.state.asked).toEqual({ on: "queue", queue: "mail", verb: "pause" });
  dash.press("y", "P");
  expect(dash.state.notice!.isBad).toBe(true);
  dash.press("escape");
  expect(dash.effects).toEqual([{ do: "stop" }]);
  dash.send({ type: "acted", text: 'queue paused: "mail"', isBad: false });
  expect(dash.effects).toEqual([load]);
  expect(dash.state).toMatchObject({ work: undefined, notice: { text: 'queue paused: "mail"' } });
});

test("an answer that comes too late changes nothing, and a failed look keeps what is shown until one succeeds", () => {
  const dash = drive();
  dash.queues(queueInfo("mail", { size: 3 }));
  const before = dash.state;
  dash.press("j", "enter");
  const opened = dash.state;
  const gone = { of: "queues", names: [], infos: [], broken: [] } as const;
  dash.send({ type: "loaded", look: before.look, atMs: nowMs, isRefresh: false, loaded: gone });
  dash.send({ type: "failed", look: before.look, why: "late" });
  expect(dash.state).toBe(opened);
  dash.send({ type: "failed", look: dash.state.look, why: "redis did not answer" });
  expect(dash.state).toMatchObject({ error: "redis did not answer", view: { info: { size: 3 } } });
  dash.queue(queueInfo("mail", { size: 4 }), { tasks: [] });
  expect(dash.state).toMatchObject({ error: undefined, view: { info: { size: 4 } } });
});

test("the list of queues narrows while one types, and Esc brings all of them back", () => {
  const dash = drive();
  dash.queues(queueInfo("mail"), queueInfo("Email"), queueInfo("low"));
  dash.press("/", "m", "a");
  expect(requestOf(dash.state)).toMatchObject({ filter: "ma" });
  dash.press("q", "backspace", "enter");
  expect(dash.state).toMatchObject({ filter: "ma", input: undefined, chosen: "mail" });
  dash.press("j");
  expect(dash.state.chosen).toBe("Email");
  dash.press("escape");
  expect(dash.state.filter).toBe("");
});

test("a search that cannot be read says why and can be mended; an empty one ends it", () => {
  const dash = drive();
  dash.queues(queueInfo("mail"));
  dash.press("j", "enter", "/", ..."type:", "enter");
  expect(dash.state.input).toEqual({ of: "search", text: "type:", error: "type: what is looked for has to follow it" });
  dash.press(..."x", "enter");
  expect(requestOf(dash.state)).toMatchObject({ search: { type: "x" }, wantsTasks: false });
  dash.press("/", "ctrl+u", "enter");
  expect(dash.state.view!.search).toBeUndefined();
});

test("a refresh is a point of a queue's line, another look is none", () => {
  const dash = drive();
  dash.queues(queueInfo("mail", { processedTotal: 10 }));
  dash.press("b");
  const loaded = { of: "queues", names: ["mail"], infos: [queueInfo("mail", { processedTotal: 15 })], broken: [] } as const;
  dash.send({ type: "loaded", look: dash.state.look, atMs: nowMs + 50, isRefresh: false, loaded });
  expect(dash.state.samples.get("mail")).toHaveLength(1);
  dash.send({ type: "refresh" });
  expect(dash.effects).toEqual([{ do: "load", isRefresh: true }]);
  dash.send({ type: "loaded", look: dash.state.look, atMs: nowMs + 1000, isRefresh: true, loaded });
  expect(dash.state.samples.get("mail")!.map(({ processed }) => processed)).toEqual([10, 15]);
});

test("a resize draws all anew, keeps the highlight in the window, and looks for what came into it", () => {
  const dash = drive(80, 40);
  dash.queues(..."abcdefghijkl".split("").map((name) => queueInfo(name)));
  dash.press("end");
  dash.send({ type: "resized", columns: 80, rows: 24 });
  expect(dash.state).toMatchObject({ rows: 24, chosen: "l", top: 5 });
  expect(dash.effects).toEqual([{ do: "repaint" }, load]);
});

test("Ctrl+C ends it from wherever one is, and Ctrl+L only draws", () => {
  const dash = drive();
  dash.press("/", "ctrl+c");
  expect(dash.effects).toEqual([{ do: "quit" }]);
  dash.press("ctrl+l");
  expect(dash.effects).toEqual([{ do: "repaint" }]);
});
