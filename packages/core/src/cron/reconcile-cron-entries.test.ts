import { describe } from "vitest";
import { expect, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import { listCronEntries } from "./list-cron-entries.ts";
import { pauseCronEntry } from "./pause-cron-entry.ts";
import { readCronEntry } from "./read-cron-entry.ts";
import { reconcileCronEntries } from "./reconcile-cron-entries.ts";

const entry = (id: string, spec = "@every 60s") => ({ id, spec, type: `${id}:run`, queue: "q", payload: { id } });
const none = { added: [], edited: [], removed: [], unchanged: [], foreign: [] };
const times = { slotsBetween };

describe("reconcileCronEntries", () => {
  test("makes an owner's entries those that are given: adds, edits and removes, and leaves those of others alone", async ({ broker }) => {
    await addCronEntry(broker, { ...entry("by-hand") });
    await addCronEntry(broker, { ...entry("theirs"), owner: "them" });

    expect(await reconcileCronEntries(broker, "us", [entry("a"), entry("b"), entry("c")], times)).toEqual({
      ...none,
      added: ["a", "b", "c"],
    });
    const wanted = [entry("b"), entry("c", "@every 30s"), entry("d"), entry("theirs", "@every 5s"), entry("by-hand")];
    expect(await reconcileCronEntries(broker, "us", wanted, times)).toEqual({
      added: ["d"],
      edited: ["c"],
      removed: ["a"],
      unchanged: ["b"],
      foreign: ["theirs", "by-hand"],
    });

    const { entries } = await listCronEntries(broker);
    expect(entries.map(({ id, spec, owner }) => [id, spec, owner])).toEqual([
      ["b", "@every 60s", "us"],
      ["by-hand", "@every 60s", undefined],
      ["c", "@every 30s", "us"],
      ["d", "@every 60s", "us"],
      ["theirs", "@every 60s", "them"],
    ]);
  });

  test("the same deploy twice does nothing the second time, and writes nothing", async ({ broker, port }) => {
    const wanted = [entry("a"), entry("b")];
    await reconcileCronEntries(broker, "us", wanted, times);
    const before = port.sent.length;

    expect(await reconcileCronEntries(broker, "us", wanted, times)).toEqual({ ...none, unchanged: ["a", "b"] });
    expect(port.sent.slice(before)).toEqual([[["HVALS", "asynq:js:cron"]]]);
  });

  test("lets an entry that somebody paused be paused, unless it is told otherwise", async ({ broker }) => {
    await reconcileCronEntries(broker, "us", [entry("a")], times);
    await pauseCronEntry(broker, "a", times);

    expect(await reconcileCronEntries(broker, "us", [entry("a", "@every 5s")], times)).toEqual({ ...none, edited: ["a"] });
    expect(await readCronEntry(broker, "a")).toMatchObject({ spec: "@every 5s", paused: true });
    await reconcileCronEntries(broker, "us", [{ ...entry("a"), paused: false }], times);
    expect(await readCronEntry(broker, "a")).toMatchObject({ paused: false });
  });

  test("deploys at once end in what they both want", async ({ broker, other }) => {
    await reconcileCronEntries(broker, "us", [entry("a"), entry("gone"), entry("c")], times);
    const wanted = [entry("a", "@every 30s"), entry("b"), entry("c")];

    const all = await Promise.all([broker, other, broker, other].map((each) => reconcileCronEntries(each, "us", wanted, times)));

    expect((await listCronEntries(broker)).entries.map(({ id, spec }) => [id, spec])).toEqual([
      ["a", "@every 30s"],
      ["b", "@every 60s"],
      ["c", "@every 60s"],
    ]);
    const did = (what: "added" | "edited" | "removed") => all.flatMap((one) => one[what]);
    expect([did("added"), did("edited")]).toEqual([["b"], ["a"]]);
    expect(new Set(did("removed"))).toEqual(new Set(["gone"]));
  });

  test("is refused as a whole, with nothing changed, where one entry cannot be used", async ({ broker, port }) => {
    await expect(reconcileCronEntries(broker, "us", [entry("a"), entry("b", "never")], times)).rejects.toMatchObject({ code: "CRON_SPEC" });
    await expect(reconcileCronEntries(broker, "us", [entry("a"), entry("a")], times)).rejects.toMatchObject({ option: "entries" });
    for (const entries of [[null], [entry("a"), "b"]] as never[][])
      await expect(reconcileCronEntries(broker, "us", entries, times)).rejects.toMatchObject({ option: "entries" });
    await expect(reconcileCronEntries(broker, "", [], times)).rejects.toMatchObject({ option: "owner" });
    expect(port.sent).toEqual([]);
  });
});
