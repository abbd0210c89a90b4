import { makeBroker, systemRandom } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { manualClock } from "@asynqjs/core/testing";
import { runTicks } from "@asynqjs/cron-fn";
import { describe, expect, test } from "../../test/cli-test.ts";
import { timeText } from "../format/time.ts";

const minuteMs = Date.UTC(2040, 0, 2, 3, 4);
const at = minuteMs + 5_000;
const slotSec = minuteMs / 1000 + 60;
const nightly = ["cron", "add", "nightly", "--spec=* * * * *", "-t", "report:build"];

describe("cron add", () => {
  test("stores an entry that the tick fires and the list shows", async ({ cliWith, redis }) => {
    const clock = manualClock(at);
    expect(await cliWith({ clock }, "cron", "list")).toEqual({ code: 0, out: "No scheduler entries\n", err: "" });

    expect(await cliWith({ clock }, ...nightly, "-l", "all", "--queue=low", "--retry=3")).toEqual({
      code: 0,
      out: 'Added cron entry "nightly", which enqueues to queue "low"\n',
      err: "",
    });

    const table = (next: string, prev: string): string =>
      [
        "EntryID  Spec       Type          Payload  Options                      Next        Prev    ",
        "-------  ----       ----          -------  -------                      ----        ----    ",
        `nightly  * * * * *  report:build  all      [MaxRetry(3) Queue("low")]  ${next}  ${prev}  `,
        "",
      ].join("\n");
    const shown = async (): Promise<string> => (await cliWith({ clock }, "cron", "ls")).out.replaceAll(/ +/g, " ");
    expect(await shown()).toBe(table("In 55s", "N/A").replaceAll(/ +/g, " "));
    await clock.advance(60_000);
    await runTicks(makeBroker({ redis: ioredisPort(redis), clock, random: systemRandom }), { ticks: ["schedule"] });
    expect(await redis.lrange("asynq:{low}:pending", 0, -1)).toEqual([`nightly:${slotSec}`]);
    expect(await shown()).toBe(table("In 55s", "5s ago").replaceAll(/ +/g, " "));
    expect(JSON.parse((await cliWith({ clock }, "cron", "ls", "--json")).out)).toMatchObject([
      {
        id: "nightly",
        spec: "* * * * *",
        taskPayload: "all",
        opts: ["MaxRetry(3)", 'Queue("low")'],
        next: new Date((slotSec + 60) * 1000).toISOString(),
        paused: false,
      },
    ]);
    const taskId = `nightly:${slotSec}`;
    const shownAt = timeText(new Date(slotSec * 1000 + 5_000));
    expect((await cliWith({ clock }, "cron", "history", "nightly", "gone")).out).toBe(
      [
        ...["", "Entry: nightly", "", `TaskID${" ".repeat(taskId.length - 4)}EnqueuedAt${" ".repeat(shownAt.length - 8)}`],
        ...[`------${" ".repeat(taskId.length - 4)}----------${" ".repeat(shownAt.length - 8)}`, `${taskId}  ${shownAt}  `],
        ...["", "=".repeat(49), "", "Entry: gone", "", "No scheduler enqueue events found for entry: gone", ""],
      ].join("\n"),
    );
  });

  test("takes all that is said of an entry", async ({ cli, redis }) => {
    const { code, out } = await cli(
      ...[...nightly, "--zone=Europe/Berlin", "--timeout=90s", "--unique=1h", "--process_in=5s", "--retention=24h", "--group=g"],
      ...[
        "--deadline=2050-01-01T00:00:00Z",
        "--catch_up=all",
        "--window=1h",
        "--overlap=skip",
        "--jitter=10s",
        "--owner=me",
        "--paused",
        "--json",
      ],
    );
    expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 0, id: "nightly", queue: "default", paused: true });
    expect(JSON.parse((await redis.hget("asynq:js:cron", "nightly"))!.replace(/^[^{]*/, ""))).toMatchObject({
      ...{ timeZone: "Europe/Berlin", catchUp: "all", windowSec: 3600, overlap: "skip", jitterSec: 10, owner: "me", paused: true },
    });
  });

  test.for<[args: string[], code: number, said: RegExp]>([
    [["--spec=never"], 2, /^asynqjs: could not add cron entry: --spec "never": expected 5 to 6 fields/],
    [["--zone=Nowhere/None"], 2, /^asynqjs: could not add cron entry: /],
    [["--catch_up=some"], 2, /--catch_up.*'some' is invalid. Allowed choices are skip, one, all/],
    [["--window=soon"], 2, /--window.*Expected a duration such as 90s or 1h30m/],
    [["--queue="], 2, /^asynqjs: could not add cron entry: .*queue/],
  ])("refuses %j, and stores nothing", async ([args, code, said], { cli, redis }) => {
    expect(await cli(...nightly, ...args)).toMatchObject({ code, out: "", err: expect.stringMatching(said) });
    expect(await redis.keys("asynq:js:*")).toEqual([]);
  });

  test("refuses an id that is taken, with exit code 4", async ({ cli }) => {
    await cli(...nightly);
    expect(await cli(...nightly)).toEqual({
      code: 4,
      out: "",
      err: `asynqjs: could not add cron entry: cron entry exists: id="nightly"; choose another id, or remove that one by 'asynqjs cron rm'\n`,
    });
  });
});

describe("entries that are stored", () => {
  const gone = `asynqjs: cron entry not found: id="gone"; see 'asynqjs cron list'\n`;

  test("cron pause and resume hold them up and let them go on", async ({ cli }) => {
    await cli(...nightly);
    expect(await cli("cron", "pause", "gone", "nightly")).toEqual({ code: 3, out: 'Paused cron entry "nightly"\n', err: gone });
    expect((await cli("cron", "ls")).out).toMatch(/\nnightly .* Paused {2}N\/A +\n$/);
    expect(await cli("cron", "resume", "nightly", "gone")).toEqual({ code: 3, out: 'Resumed cron entry "nightly"\n', err: gone });
    expect((await cli("cron", "ls")).out).toMatch(/\nnightly .* In \S+ +N\/A +\n$/);
  });

  test("a paused one is listed with when it last ran", async ({ cliWith, redis }) => {
    const clock = manualClock(at);
    await cliWith({ clock }, ...nightly);
    await clock.advance(60_000);
    const tick = () => runTicks(makeBroker({ redis: ioredisPort(redis), clock, random: systemRandom }), { ticks: ["schedule"] });
    await tick();
    await cliWith({ clock }, "cron", "pause", "nightly");
    expect((await cliWith({ clock }, "cron", "ls")).out).toMatch(/\nnightly .* Paused {2}5s ago +\n$/);

    // By now nothing is told of it.
    await clock.advance(60_000);
    await tick();
    expect((await cliWith({ clock }, "cron", "ls")).out).toMatch(/\nnightly .* Paused {2}1m5s ago +\n$/);
    expect(JSON.parse((await cliWith({ clock }, "cron", "ls", "--json")).out)).toMatchObject([
      { id: "nightly", paused: true, prev: new Date(slotSec * 1000).toISOString() },
    ]);
  });

  test("one that is removed is listed no more, though the last tick told of it", async ({ cliWith, redis }) => {
    const clock = manualClock(at);
    for (const id of ["nightly", "weekly"]) await cliWith({ clock }, "cron", "add", id, "--spec=* * * * *", "-t", "report:build");
    await clock.advance(60_000);
    await runTicks(makeBroker({ redis: ioredisPort(redis), clock, random: systemRandom }), { ticks: ["schedule"] });
    expect((await cliWith({ clock }, "cron", "ls")).out).toMatch(/\nnightly .*\nweekly |\nweekly .*\nnightly /);

    await cliWith({ clock }, "cron", "rm", "nightly", "--yes");

    expect(await redis.llen("asynq:schedulers:{asynqjs:0:cron}")).toBe(2);
    const listed = JSON.parse((await cliWith({ clock }, "cron", "ls", "--json")).out);
    expect(listed.map(({ id }: { id: string }) => id)).toEqual(["weekly"]);
  });

  test("cron run enqueues a task of them now", async ({ cli, redis }) => {
    await cli(...nightly);
    const { code, out, err } = await cli("cron", "run", "nightly", "gone");
    expect({ code, err }).toEqual({ code: 3, err: gone });
    const [, id] = /^Enqueued task (nightly:now:\S+) to queue default\n$/.exec(out)!;
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual([id]);
    expect(JSON.parse((await cli("cron", "run", "nightly", "--json")).out)).toMatchObject({
      id: "nightly",
      done: "enqueued",
      queue: "default",
    });
  });

  test("cron rm asks, and removes them", async ({ cli, cliWith, redis }) => {
    await cli(...nightly);
    expect(await cli("cron", "rm", "nightly")).toMatchObject({ code: 7, out: "" });
    expect(await redis.hexists("asynq:js:cron", "nightly")).toBe(1);
    expect(await cliWith({ answer: "yes" }, "cron", "remove", "nightly", "gone")).toEqual({
      code: 3,
      out: 'Removed cron entry "nightly"\n',
      err: `Remove cron entries "nightly", "gone"? [y/N] ${gone}`,
    });
    expect(await redis.hexists("asynq:js:cron", "nightly")).toBe(0);
  });
});
