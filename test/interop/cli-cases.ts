/**
 * The command lines that both CLIs are given, on what `cli-states.ts` seeds. What ours says otherwise than Asynq's is here and nowhere else;
 * why it does is in `docs/parity.md`.
 * @module
 */

/** What a run prints and ends with. */
export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Of both: what each prints of it is the same, byte for byte. */
export const showing: readonly (readonly string[])[] = [
  ...["default", "odd", "held"].flatMap((queue) =>
    ["active", "pending", "scheduled", "retry", "archived", "completed"].map((state) => list(queue, state)),
  ),
  list("default", "aggregating", "--group=g"),
  list("odd", "aggregating", "--group=with space"),
  list("odd", "aggregating", "--group=none"),
  ["task", "ls", "-q", "odd", "-s", "pending", "--page", "1", "--size", "3"],
  list("odd", "pending", "--page=2", "--size=3"),
  list("odd", "pending", "--page=9"),
  list("odd", "scheduled", "--page=2", "--size=4"),
  ...["active", "pending", "aggregating", "scheduled", "retry", "archived", "completed"].map((id) => inspect("default", id)),
  ...["archived-lines", "archived-wide", "retry-blank", "retry-long", "completed-text", "due", "wide", "json", "later"].map((id) =>
    inspect("odd", id),
  ),
  ["task", "inspect", "-q", "held", "-i", "held"],
  ["queue", "inspect", "odd", "held"],
  ["queue", "history", "odd", "held", "-x", "3"],
  ["queue", "history", "--days=12", "odd"],
  ["group", "list", "--queue=default"],
  ["group", "ls", "-q", "odd"],
  ["group", "ls", "-q", "held"],
  ["server", "list"],
  ["server", "ls"],
  ["cron", "list"],
  ["cron", "ls"],
  ["cron", "history", "hourly", "never"],
  ["cron", "history", "hourly", "--size=2", "--page=2"],
];

/** Of both too, but for what is no promise of either: the order of a set, how much memory Redis takes, the millisecond at which it was asked. */
export const showingAlike: readonly { readonly args: readonly string[]; readonly read: (out: string) => unknown }[] = [
  // Ours are sorted.
  { args: ["queue", "list"], read: (out) => out.split("\n").sort() },
  { args: ["queue", "ls"], read: (out) => out.split("\n").sort() },
  // Ours says that there is one.
  { args: ["queue", "inspect", "default"], read: (out) => out.replace("Quarantined: 1\n", "") },
  { args: ["stats"], read: readStats },
  { args: ["stats", "--json"], read: readStatsJson },
];

/** Its sections; the columns of the queues sorted; of Redis' own numbers the headers alone. */
function readStats(out: string): unknown {
  const sections = out.split("\n\n").map((section) => section.split("\n"));
  return sections.map(([title, headers = "", dashes = "", values = "", ...rest]) => {
    if (title === "Redis Info") return [title, headers.split(/ {2,}/), rest];
    if (title !== "Task Count by Queue") return [title, headers, dashes, values, rest];
    const counts = values.trim().split(/ +/);
    const queues = headers
      .trim()
      .split(/ {2,}/)
      .map((queue, nth) => `${queue}: ${counts[nth]}`);
    return [title, queues.sort(), dashes, rest];
  });
}

function readStatsJson(out: string): unknown {
  const { aggregate, queues, redis, ...rest } = JSON.parse(out) as Record<string, Record<string, unknown>> & {
    readonly queues: readonly Record<string, unknown>[];
  };
  const { timestamp, ...counts } = aggregate!;
  return {
    counts,
    names: [...Object.keys(aggregate!), ...Object.keys(queues[0]!)],
    queues: queues
      .map(({ MemoryUsage, Latency, Timestamp, ...queue }) => queue)
      .sort((a, b) => (String(a.Queue) < String(b.Queue) ? -1 : 1)),
    redis: [redis!.redis_version, "used_memory_human" in redis!],
    types: [timestamp, ...queues.flatMap(({ MemoryUsage, Latency, Timestamp }) => [MemoryUsage, Latency, Timestamp])].map(
      (value) => typeof value,
    ),
    rest,
  };
}

/**
 * What ours says instead: errors go to stderr, behind the program's name, and the exit code says of what kind they are; a queue and a task are
 * named in them. Of ours alone is that a quarantined task is shown, and a pause may be repeated.
 */
export const differing: readonly (readonly [args: readonly string[], ours: Printed])[] = [
  [
    inspect("default", "quarantined"),
    {
      code: 0,
      out: "Task Info\nQueue:   default\nID:      quarantined\nType:    email:send\nState:   js:quarantine\nRetried: 0/25\n\nNext process time: n/a\n",
      err: "",
    },
  ],
  [inspect("default", "none"), refused(3, 'could not get task info: task not found: queue="default" id="none"')],
  [inspect("none", "none"), refused(3, "could not get task info: queue not found: queue=\"none\"; see 'asynqjs queue list'")],
  [list("none", "pending"), refused(3, "queue not found: queue=\"none\"; see 'asynqjs queue list'")],
  [list("default", "gone"), refused(2, 'state="gone" is not supported')],
  [list("default", "aggregating"), refused(2, "flag --group is required for listing aggregating tasks")],
  [["task", "inspect", "-q", "default"], refused(2, "required option '-i, --id <id>' not specified; see 'asynqjs task inspect --help'")],
  [["task", "list"], refused(2, "required option '-q, --queue <name>' not specified; see 'asynqjs task list --help'")],
  [
    list("default", "pending", "--page=x"),
    refused(2, "option '--page <number>' argument 'x' is invalid. Expected a whole number of at least 1; see 'asynqjs task list --help'"),
  ],
  [["task", "cancel"], refused(2, "missing required argument 'task_id'; see 'asynqjs task cancel --help'")],
  [one("run", "pending"), refused(4, 'could not run task: cannot run a task that is pending: queue="default" id="pending"')],
  [
    one("run", "active"),
    refused(4, 'could not run task: cannot run a task that is active; \'asynqjs task cancel\' ends its run: queue="default" id="active"'),
  ],
  [one("archive", "archived"), refused(4, 'could not archive task: cannot archive a task that is archived: queue="default" id="archived"')],
  [
    one("delete", "active"),
    refused(
      4,
      'could not delete task: cannot delete a task that is active; \'asynqjs task cancel\' ends its run: queue="default" id="active"',
    ),
  ],
  [one("delete", "none"), refused(3, 'could not delete task: task not found: queue="default" id="none"')],
  [["task", "run", "-q", "none", "-i", "a"], refused(3, "could not run task: queue not found: queue=\"none\"; see 'asynqjs queue list'")],
  [all("runall", "default", "pending"), refused(2, 'unsupported state "pending"')],
  [all("runall", "none", "retry"), refused(3, "queue not found: queue=\"none\"; see 'asynqjs queue list'")],
  [all("archiveall", "default", "aggregating"), refused(2, "flag --group is required for aggregating tasks")],
  [all("archiveall", "default", "archived"), refused(2, 'unsupported state "archived"')],
  [all("deleteall", "default", "active"), refused(2, 'unsupported state "active"')],
  [["queue", "inspect", "none"], refused(3, "queue not found: queue=\"none\"; see 'asynqjs queue list'")],
  [["queue", "inspect"], refused(2, "missing required argument 'queue'; see 'asynqjs queue inspect --help'")],
  [["queue", "history", "none"], { ...refused(3, "queue not found: queue=\"none\"; see 'asynqjs queue list'"), out: "Queue: none\n\n" }],
  [
    ["queue", "history", "held", "--days=0"],
    refused(
      2,
      "option '-x, --days <number>' argument '0' is invalid. Expected a whole number from 1 to 1000; see 'asynqjs queue history --help'",
    ),
  ],
  [["queue", "pause", "held"], { code: 0, out: 'Successfully paused queue "held"\n', err: "" }],
  [["queue", "resume", "default"], { code: 0, out: 'Successfully unpaused queue "default"\n', err: "" }],
  [["queue", "unpause", "none"], refused(3, "queue not found: queue=\"none\"; see 'asynqjs queue list'")],
  [["queue", "remove", "held"], refused(7, 'Remove queue "held"? Nobody is here to answer; say --yes to go on. Nothing was changed')],
  [["queue", "gone"], refused(2, "unknown command 'gone' for \"asynqjs queue\"; see 'asynqjs queue --help'")],
  [["group", "list"], refused(2, "required option '-q, --queue <name>' not specified; see 'asynqjs group list --help'")],
  [["cron", "history"], refused(2, "missing required argument 'entry_id'; see 'asynqjs cron history --help'")],
  [["stats", "--gone"], refused(2, "unknown option '--gone'; see 'asynqjs stats --help'")],
  [["gone"], refused(2, "unknown command 'gone' for \"asynqjs\"; see 'asynqjs --help'")],
  [enqueue("--id=pending"), refused(4, 'could not enqueue task: task ID conflicts with another task: queue="default" id="pending"')],
  [enqueue("--unique=1ms"), refused(2, "could not enqueue task: --unique: expected a number from 1 to 9007199254740991")],
  [enqueue("--queue="), refused(2, "could not enqueue task: --queue: queue name must contain one or more characters")],
  [enqueue("--group="), refused(2, "could not enqueue task: --group: expected one or more characters")],
  [
    enqueue("--timeout=soon"),
    refused(
      2,
      "option '--timeout <duration>' argument 'soon' is invalid. Expected a duration such as 90s or 1h30m; time: invalid duration \"soon\"; see 'asynqjs task enqueue --help'",
    ),
  ],
  [
    enqueue("--deadline=soon"),
    refused(
      2,
      "option '--deadline <time>' argument 'soon' is invalid. Expected a time such as 2024-12-14T01:23:45Z; see 'asynqjs task enqueue --help'",
    ),
  ],
];

/** What both do the same to the same, so that either sees what the other did. `asks`: ours asks first, unless told not to. */
export const changing: readonly { readonly args: readonly string[]; readonly asks?: boolean }[] = [
  { args: ["task", "cancel", "active", "none"] },
  { args: ["queue", "pause", "default", "odd"] },
  { args: ["queue", "resume", "held"] },
  { args: ["queue", "unpause", "held"] },
  ...["scheduled", "retry", "archived", "completed", "aggregating"].map((id) => ({ args: one("run", id) })),
  ...["pending", "scheduled", "retry", "completed", "aggregating"].map((id) => ({ args: one("archive", id) })),
  ...["pending", "scheduled", "retry", "archived", "completed", "aggregating", "quarantined"].map((id) => ({ args: one("delete", id) })),
  { args: one("rm", "retry") },
  { args: one("remove", "retry") },
  ...["scheduled", "retry", "archived"].map((state) => ({ args: all("runall", "odd", state) })),
  { args: all("runall", "default", "aggregating", "--group=g") },
  ...["pending", "scheduled", "retry"].map((state) => ({ args: all("archiveall", "odd", state), asks: true })),
  { args: all("archiveall", "default", "aggregating", "--group=g"), asks: true },
  ...["pending", "scheduled", "retry", "archived", "completed"].map((state) => ({ args: all("deleteall", "odd", state), asks: true })),
  { args: all("deleteall", "default", "aggregating", "--group=g"), asks: true },
  { args: all("deleteall", "held", "retry") },
  { args: enqueue("--id=new") },
  { args: enqueue("--id=new", "--retry=-1", "--timeout=90s", "--deadline=2049-12-14T01:23:45Z", "--retention=1h30m", "--unique=100s") },
  { args: enqueue("--id=new", "--queue=odd", "--process_at=2049-12-14T01:23:45.5+01:00") },
  { args: enqueue("--id=new", "--queue=odd", "--process_at=2020-12-14T01:23:45Z", "--group=g") },
];

/** What is looked at after a change: every state of the queue that it was in, or how queues stand. */
export function looksAfter(args: readonly string[]): readonly (readonly string[])[] {
  if (args[0] === "queue") return [["queue", "inspect", "odd", "held"]];
  const queue = args.includes("--queue=odd") ? "odd" : "default";
  const states = ["active", "pending", "scheduled", "retry", "archived", "completed"];
  return [...states.map((state) => list(queue, state)), list(queue, "aggregating", "--group=g")];
}

function list(queue: string, state: string, ...flags: readonly string[]): readonly string[] {
  return ["task", "list", `--queue=${queue}`, `--state=${state}`, ...flags];
}

function inspect(queue: string, id: string): readonly string[] {
  return ["task", "inspect", `--queue=${queue}`, `--id=${id}`];
}

function one(verb: string, id: string): readonly string[] {
  return ["task", verb, "--queue=default", `--id=${id}`];
}

function all(verb: string, queue: string, state: string, ...flags: readonly string[]): readonly string[] {
  return ["task", verb, `--queue=${queue}`, `--state=${state}`, ...flags];
}

function enqueue(...flags: readonly string[]): readonly string[] {
  return ["task", "enqueue", "--type_name=email:send", "--payload=hello", ...flags];
}

function refused(code: number, why: string): Printed {
  return { code, out: "", err: `asynqjs: ${why}\n` };
}
