import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  composeTask,
  dequeue,
  type EnqueueOptions,
  enqueue,
  makeBroker,
  type NewTask,
  type Payload,
  settle,
  systemClock,
  systemRandom,
  Task,
} from "@asynqjs/core";
import { Inspector } from "@asynqjs/core/inspector";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { patchTaskMessage } from "@asynqjs/core/wire";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished } from "vitest";
import { seedEveryState } from "../../../../test/support/every-state.ts";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { test as redisTest } from "../../../../test/support/redis-test.ts";
import { hasTmux, openTerminal, type Terminal, type TerminalOptions } from "../../../../test/support/tmux.ts";

// Slow: waits for a real program to start, for tmux, whose screen is looked at until it shows what it should, and for Redis to be away.

const bin = path.join(import.meta.dirname, "../bin.ts");

interface Fixtures {
  readonly inspector: Inspector;
  readonly aTask: (options?: EnqueueOptions & { readonly type?: string; readonly payload?: Payload }) => NewTask;
  /** The dashboard on the test's Redis, in a terminal of its own. */
  readonly dash: (options?: DashOptions) => Promise<Terminal>;
}

interface DashOptions extends Partial<Omit<TerminalOptions, "command">> {
  readonly flags?: string;
  /** What begins the command line. */
  readonly before?: string;
}

function startDash(url: string, { flags = "", before = "", ...options }: DashOptions = {}): Promise<Terminal> {
  return openTerminal({ command: `${before} "${process.execPath}" "${bin}" dash -u ${url} --refresh 1s ${flags}`, ...options });
}

const aTask: Fixtures["aTask"] = ({ type = "email:send", payload, ...options } = {}) =>
  composeTask(new Task(type, payload), options, { clock: systemClock, random: systemRandom });

const test = redisTest.extend<Fixtures>({
  inspector: ({ redis }, use) => use(new Inspector({ redis: ioredisPort(redis) })),
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  aTask: ({}, use) => use(aTask),
  dash: async ({ redisUrl }, use) => {
    const opened: Terminal[] = [];
    await use(async (options) => {
      const terminal = await startDash(redisUrl, options);
      opened.push(terminal);
      return terminal;
    });
    for (const terminal of opened) await terminal.close();
  },
});

/** The terminal as a shell has it. */
const clean = "alternate:0 cursor:1 wrap:1";
const condition = (terminal: Terminal): Promise<string> =>
  terminal.ask("alternate:#{alternate_on} cursor:#{cursor_flag} wrap:#{wrap_flag}");

/** Numbers that differ from run to run, as long as they were. */
const steady = (lines: readonly string[]): string[] =>
  lines.map((line) =>
    line.replace(/\d+(\.\d)? k?B/g, (bytes) => "N B".padStart(bytes.length)).replace(/\b\d{1,2}s(?= {2})/g, (s) => "Ns".padStart(s.length)),
  );

const rowOf = (lines: readonly string[], start: string): string => lines.find((line) => line.startsWith(start)) ?? "";

describe.runIf(hasTmux)("in a terminal", () => {
  test("the queues, with bars and a table, at 80x24 and after the terminal has grown and shrunk", async ({ inspector, dash }) => {
    await enqueue(
      inspector.broker,
      [...Array(12)].map(() => aTask({ queue: "default" })),
    );
    await enqueue(inspector.broker, [aTask({ queue: "critical" }), aTask({ queue: "почта" })]);
    await inspector.pauseQueue("critical");

    const terminal = await dash();
    expect(steady(await terminal.until(/почта +RUN/))).toEqual([
      `=== Queues ===${" ".repeat(58)}3 queues`,
      expect.stringMatching(/^Processed +(-|▁ 0\/s) +Failed +(-|▁ 0\/s) +Latency +\S+ \d+s$/),
      "",
      "critical |▇ 1",
      "default  |▇▇▇▇▇▇▇▇▇▇▇▇ 12",
      "почта    |▇ 1",
      "",
      "active=▇ pending=▇ aggregating=▇ scheduled=▇ retry=▇ archived=▇ completed=▇",
      "",
      "Queue     State   Size  Latency  MemoryUsage  Processed  Failed  ErrorRate",
      expect.stringMatching(/^critical {2}PAUSED {5}1 +Ns +N B +0 +0 +-$/),
      expect.stringMatching(/^default {3}RUN {7}12 +Ns +N B +0 +0 +-$/),
      expect.stringMatching(/^почта {5}RUN {8}1 +Ns +N B +0 +0 +-$/),
      ...Array(10).fill(""),
      "<?>: Help    <Ctrl+C>: Exit",
    ]);
    await terminal.resize(120, 40);
    const large = await terminal.until((screen) => screen.split("\n")[39]?.startsWith("<?>: Help") === true);
    expect(rowOf(large, "Queue ")).toBe("Queue       State     Size    Latency    MemoryUsage    Processed    Failed    ErrorRate");
    await terminal.resize(60, 16);
    const small = await terminal.until((screen) => screen.split("\n")[15]?.startsWith("<?>: Help") === true && /почта +RUN/.test(screen));
    expect(small.map((line) => line.length).filter((length) => length > 60)).toEqual([]);
    await terminal.press("q");
    await terminal.until("ended with 0");
    expect(await condition(terminal)).toBe(clean);
  });

  test("of ten thousand queues those on the screen are read, wherever it is, and they are found by their names", async ({
    redis,
    dash,
  }) => {
    await redis.sadd("asynq:queues", ...Array.from({ length: 10_000 }, (_, i) => `q${String(i).padStart(4, "0")}`));
    const terminal = await dash();
    await terminal.until("Showing 1-7 out of 10000  n=NextPage");
    await terminal.press("n");
    await terminal.until(/^q0013 +RUN/m);
    await terminal.press("End");
    await terminal.until(/^q9999 +RUN/m);
    await terminal.press("/");
    await terminal.type("777");
    await terminal.press("Enter");
    await terminal.until("Showing 1-7 out of 19  n=NextPage");
    await terminal.until(/^q2777 +RUN/m);
  });

  test("a queue's states one after the other, each with its columns and its task, and what is quarantined", async ({ inspector, dash }) => {
    await seedEveryState(inspector.broker, aTask);
    const terminal = await dash();
    await terminal.until(/default +RUN/);
    await terminal.press("j", "Enter");
    const first = await terminal.until(/active +email:send/);
    expect(first.slice(0, 10)).toEqual([
      "=== Queue Summary ===",
      "",
      expect.stringMatching(/^Name {6}default {19}Processed +(-|▁+ 0\/s)$/),
      expect.stringMatching(/^Size {6}9 {25}Failed +(-|▁+ 0\/s)$/),
      expect.stringMatching(/^Latency {3}\d+s +Latency +\S+ \d+s$/),
      expect.stringMatching(/^MemUsage {2}\d\.\d kB$/),
      "",
      "=== Tasks ===",
      "",
      "Active:1   Pending:1   Aggr:1   Sched:2   Retry:2   Arch:1   Compl:1   Quar:1",
    ]);
    const tabs: readonly (readonly [RegExp, RegExp])[] = [
      [/^ID +Type +Retried +Max Retry +Payload$/m, /^pending +email:send +0 +25 +<nil>$/m],
      [/^<<< Select group >>>\nName +Size$/m, /^g +1$/m],
      [/^ID +Type +Next Process Time +Payload$/m, /^scheduled +email:send +in \d+s +<nil>$/m],
      [/^ID +Type +Retry +Last Failure +Failed +Due +Payload$/m, /^retry +email:s\S+ +1\/25 failed +\d+s ago +in \d+s +retry$/m],
      [/^ID +Type +Retry +Last Failure +Last Failure Time +Payload$/m, /^archived +email:send +1\/25 +failed +\d+s ago +archived$/m],
      [/^ID +Type +Completion Time +Payload +Result$/m, /^completed +email:send +(\d+s ago)? +completed +<nil>$/m],
      [/^ID +Payload$/m, /^quarantined +quarantined$/m],
    ];
    for (const [head, row] of tabs) {
      await terminal.press("l");
      expect((await terminal.until(row)).join("\n")).toMatch(head);
    }
    await terminal.press("l");
    await terminal.until(/active +email:send/);
    await terminal.press("h");
    await terminal.until(/^quarantined +quarantined$/m);
  });

  test("the groups of a queue by pages, the tasks of one, and the way back", async ({ inspector, dash }) => {
    await enqueue(
      inspector.broker,
      Array.from({ length: 22 }, (_, i) => aTask({ taskId: `t${i}`, group: `g${String(i % 11).padStart(2, "0")}` })),
    );
    const terminal = await dash();
    await terminal.until(/default +RUN/);
    await terminal.press("j", "Enter");
    await terminal.until("Aggregating:22");
    await terminal.press("Right", "Right");
    await terminal.until("Showing 1-8 out of 11  n=NextPage");
    await terminal.press("n");
    const second = await terminal.until("Showing 9-11 out of 11  p=PrevPage");
    expect(second.filter((line) => /^g\d/.test(line))).toEqual(
      ["g08        2", "g09        2", "g10        2"].map((row) => expect.stringMatching(row.replace(/ +/, " +"))),
    );
    await terminal.press("k", "Enter");
    const tasks = await terminal.until(/^t21 /m);
    expect(tasks.filter((line) => /^t\d/.test(line))).toEqual([
      expect.stringMatching(/^t10 +email:send +<nil> +g10$/),
      expect.stringMatching(/^t21 +email:send +<nil> +g10$/),
    ]);
    await terminal.press("Escape");
    await terminal.until("<<< Select group >>>");
    await terminal.press("Escape");
    await terminal.until("=== Queues ===");
  });

  test("a task is shown whole, and what one types into the help or over it moves nothing else", async ({ inspector, redis, dash }) => {
    await enqueue(inspector.broker, [
      aTask({ taskId: "t1", type: "report:build", payload: { lines: Array.from({ length: 200 }, (_, i) => i) } }),
    ]);
    const terminal = await dash();
    await terminal.until(/default +RUN/);
    await terminal.press("j", "Enter");
    await terminal.until("Pending:1");
    await terminal.press("l");
    await terminal.until(/^t1 /m);
    await terminal.press("j", "Enter");
    const shown = (await terminal.until("=== Task Info ===")).join("\n");
    for (const text of [
      "ID: t1",
      "Type: report:build",
      "State: pending",
      "Queue: default",
      "Retry: 0/25",
      "(now)",
      'Payload: {"lines":[0,1,2',
    ])
      expect(shown).toContain(text);
    await terminal.press("n", "n");
    await terminal.until("<a>: archive  <d>: delete");
    await redis.hset("asynq:{default}:t:t1", "logs", JSON.stringify([{ msg: "half done \x1b[31m", ts: "2026-01-02T03:04:05Z" }]));
    await terminal.until("of 22 lines");
    await terminal.press("End");
    await terminal.until("2026-01-02T03:04:05.000Z: half done \\e[31m");
    await terminal.press("?");
    const help = (await terminal.until("=== Help ===")).join("\n");
    expect(help).toContain("<Esc>: GoBack");
    await terminal.press("l", "j", "Escape");
    await terminal.until((screen) => !screen.includes("=== Help ===") && screen.includes("=== Task Info ==="));
    await terminal.press("l", "Escape");
    expect(rowOf(await terminal.until((screen) => !screen.includes("=== Task Info ===")), "t1")).toMatch(/^t1 +report:build/);
  });

  test("what is changed is asked first, is seen in Redis, and is said", async ({ inspector, dash }) => {
    await seedEveryState(inspector.broker, aTask);
    const terminal = await dash();
    await terminal.until(/default +RUN/);
    await terminal.press("j", "P");
    await terminal.until('Pause queue "default"?');
    await terminal.press("n");
    await terminal.until((screen) => !screen.includes("Pause queue"));
    expect((await inspector.getQueueInfo("default")).paused).toBe(false);
    await terminal.press("P", "y");
    await terminal.until('queue paused: "default"');
    await terminal.until("default  PAUSED");
    expect((await inspector.getQueueInfo("default")).paused).toBe(true);

    await terminal.press("Enter");
    await terminal.until("(paused)");
    await terminal.press("h", "h", "h");
    await terminal.until(/^archived +email/m);
    await terminal.press("j", "e");
    await terminal.until('Redrive task "archived" of queue "default"?');
    await terminal.press("y");
    await terminal.until('task begun anew: "archived"');
    expect(await inspector.getTaskInfo("default", "archived")).toMatchObject({ state: "pending", retried: 0 });

    await terminal.press("h");
    await terminal.until(/^retry +email/m);
    await terminal.press("A");
    await terminal.until('Archive all 2 retry tasks of queue "default"?');
    await terminal.press("y");
    await terminal.until("2 tasks archived");
    expect(await inspector.getQueueInfo("default")).toMatchObject({ retry: 0, archived: 2, size: 9 });

    await terminal.press("c");
    await terminal.press("l");
    await terminal.until(/^recovered +email/m);
    await terminal.press("c");
    await terminal.until("move to a row first");
    await terminal.press("j", "c");
    await terminal.until("cancel is for active tasks, not for archived ones");
  });

  test("a search tells what it found and that it is incomplete, and all of it is acted on", async ({ inspector, dash }) => {
    await enqueue(
      inspector.broker,
      Array.from({ length: 150 }, (_, i) => aTask({ taskId: `t${i}`, type: "a:b", payload: { n: i % 3 } })),
    );
    await enqueue(inspector.broker, [aTask({ type: "c:d" })]);
    const terminal = await dash();
    await terminal.until(/default +RUN/);
    await terminal.press("j", "Enter");
    await terminal.until("Pending:151");
    await terminal.press("/");
    await terminal.until("Search: ");
    await terminal.type("type:a:* n=1");
    await terminal.press("Enter");
    await terminal.until("type:a:* n=1: 50 tasks found of 151 looked at");
    await terminal.press("/", "C-u");
    await terminal.type("type:a:*");
    await terminal.press("Enter");
    await terminal.until(/type:a:\*: 100 tasks found of \d+ looked at {2}incomplete/);
    await terminal.press("D");
    await terminal.until("(100 or more found): type:a:*");
    await terminal.press("y");
    await terminal.until("150 tasks deleted");
    await terminal.until("No such task");
    expect(await inspector.getQueueInfo("default")).toMatchObject({ size: 1 });
  });

  test("what tasks hold is shown and does nothing, and wide characters keep the columns", async ({ inspector, dash }) => {
    const evil = "\x1b[2J\x1b[31m\x1b]0;pwned\x07\u202eab\r\nc";
    await enqueue(inspector.broker, [
      aTask({ taskId: "t1", type: `evil:${evil}`, payload: evil }),
      aTask({ taskId: "t2", type: "ok", payload: "漢字テキスト" }),
    ]);
    const terminal = await dash();
    await terminal.until(/default +RUN/);
    await terminal.press("j", "Enter");
    await terminal.until("Pending:2");
    await terminal.press("l");
    const lines = await terminal.until("漢字テキスト");
    expect(rowOf(lines, "t1")).toMatch(/^t1 +evil:\\e\[2J\\e\[31m\\e\]0;pwned.*0 +25 +<non-pr/);
    expect(rowOf(lines, "t2")).toMatch(/^t2 +ok +0 +25 +漢字テキスト$/);
    expect(lines.at(-1)).toBe("<?>: Help    <Ctrl+C>: Exit");
    expect(await terminal.ask("#{pane_title}")).not.toContain("pwned");
  });

  test("what its queue has done since the last refresh becomes a line", async ({ inspector, dash }) => {
    await enqueue(inspector.broker, [aTask()]);
    const terminal = await dash();
    await terminal.until(/▁ 0\/s/);
    const { broker } = inspector;
    await enqueue(
      broker,
      [...Array(50)].map(() => aTask({ queue: "default" })),
    );
    const { tasks } = await dequeue(broker, ["default"], 50);
    await settle(
      broker,
      tasks.map(({ queue, id, token, msg }, i) =>
        i === 0
          ? { queue, id, fence: { token }, to: "archived", msg: patchTaskMessage(msg, { errorMsg: "no" }) }
          : { queue, id, fence: { token }, to: "done" },
      ),
    );
    await terminal.until(/Processed +▁*█.* \d+(\.\d)?\/s +Failed +▁*█/);
  });

  test.for([
    ["q", "ended with 0"],
    ["C-c", "ended with 0"],
    ["SIGTERM", "ended with 0"],
    ["SIGHUP", "ended with 0"],
    ["a crash", "Error: it was me"],
  ] as const)("%s leaves the terminal as it was", async ([how, said], { inspector, dash }) => {
    await enqueue(inspector.broker, [aTask()]);
    const thrown = "data:text/javascript,process.on('SIGUSR2',()=>{throw new Error('it was me')})";
    const folder = mkdtempSync(path.join(tmpdir(), "asynqjs-dash-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const pid = path.join(folder, "pid");
    const terminal = await dash({
      before: `sh -c 'echo $$ >"${pid}"; exec "$@"' sh`,
      env: how === "a crash" ? { NODE_OPTIONS: `--import="${thrown}"` } : {},
    });
    await terminal.until(/default +RUN/);
    expect(await condition(terminal)).toBe("alternate:1 cursor:0 wrap:0");
    if (how === "q" || how === "C-c") await terminal.press(how);
    else process.kill(Number(readFileSync(pid, "utf8")), how === "a crash" ? "SIGUSR2" : how);
    await terminal.until(said);
    await terminal.until("ended with");
    expect(await condition(terminal)).toBe(clean);
  });

  test("with NO_COLOR there is no colour, and the highlight is seen all the same", async ({ inspector, dash }) => {
    await enqueue(inspector.broker, [aTask()]);
    await enqueue(inspector.broker, [aTask({ queue: "low" })]);
    const terminal = await dash({ env: { NO_COLOR: "1" } });
    await terminal.until(/low +RUN/);
    await terminal.press("j", "j");
    await expect.poll(() => terminal.codes(), { timeout: 20_000 }).toMatch(/\[7mlow/);
    const codes = await terminal.codes();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(codes).not.toMatch(/\x1b\[[\d;]*(3[0-7]|38|4[0-7]|48|9[0-7])[;m]/);
    expect(codes).toContain("\x1b[7mQueue");
  });

  test("Redis goes away and comes back: what was shown stays under a dark red line, and then goes on", async () => {
    const first = await startRedis();
    onTestFinished(() => first.stop());
    await seedOne(first.url);
    const terminal = await startDash(first.url);
    onTestFinished(() => terminal.close());
    await terminal.until(/default +RUN +1 /);

    await first.kill("SIGKILL");
    const away = await terminal.until("trying again)");
    expect(rowOf(away, "default  RUN")).toMatch(/^default {2}RUN +1 /);
    expect(await terminal.codes()).toContain("48;5;88m");
    await terminal.press("j", "Enter");
    await terminal.until("=== Queue Summary ===");

    const second = await startRedis({ port: first.port });
    onTestFinished(() => second.stop());
    await seedOne(second.url, 3);
    await terminal.until("Pending:3");
    await terminal.until("<?>: Help");
    await terminal.press("q");
    await terminal.until(/default +RUN +3 /);
  });

  test("of a Redis that is not there it says so, and takes no screen", async ({ dash }) => {
    const terminal = await dash({ flags: "-u 127.0.0.1:1" });
    await terminal.until(/asynqjs: cannot reach Redis at .*\n?.*ended with 5/s);
    expect(await condition(terminal)).toBe(clean);
  });
});

async function seedOne(url: string, tasks = 1): Promise<void> {
  const redis = new Redis(url, { protocol: 2 });
  const broker = makeBroker({ redis: ioredisPort(redis), clock: systemClock, random: systemRandom });
  await enqueue(
    broker,
    Array.from({ length: tasks }, () => aTask()),
  );
  await redis.quit();
}
