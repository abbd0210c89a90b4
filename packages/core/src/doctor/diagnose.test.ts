import { describe, expect, test } from "vitest";
import { bounds } from "./bounds.ts";
import { diagnose } from "./diagnose.ts";
import type { Diagnosis } from "./diagnosis.ts";
import type { Facts, QueueFacts, ServerFacts, TaskFacts } from "./facts.ts";

const nowSec = 2_000_000_000;

const server: ServerFacts = {
  ...{ id: "s", host: "h", pid: 1, concurrency: 10, queues: { default: 1 }, strictPriority: false, status: "active", running: 0 },
};

const empty: QueueFacts = {
  ...{ queue: "default", paused: false, pending: 0, active: 0, scheduled: 0, retry: 0, archived: 0, completed: 0 },
  ...{ quarantined: 0, groups: 0, nextId: "", pendingSinceSec: undefined, due: 0, lost: 0, groupedSinceSec: 0 },
  ...{ firstScheduledSec: 0, firstRetrySec: 0, firstLeaseSec: 0, firstCompletedSec: 0, firstArchivedSec: 0, firstSetSec: 0 },
  ...{ leasesOfOurs: 0, leasesOfGo: 0 },
};

const info = {
  redis_version: "8.10.2",
  redis_mode: "standalone",
  role: "master",
  loading: "0",
  aof_enabled: "1",
  aof_last_write_status: "ok",
  rdb_last_bgsave_status: "ok",
  connected_slaves: "0",
  maxmemory: "0",
  maxmemory_policy: "noeviction",
  used_memory: "1000",
  uptime_in_seconds: "86400",
  cluster_enabled: "0",
};

/** A system in which nothing is wrong, but for what is given. */
function facts(over: Partial<Facts> = {}): Facts {
  return {
    nowSec,
    offsetMs: { value: 3 },
    info: { value: info },
    errors: { value: new Map() },
    scriptFlushes: { value: 0 },
    settings: { value: { save: "", appendfsync: "everysec" } },
    logins: { value: [] },
    denials: { value: [] },
    servers: { value: [server] },
    queues: { value: { total: 1, looked: [empty] } },
    unreadable: [],
    schedule: { value: { entries: 0, sinceSec: undefined, told: false, first: undefined } },
    ticks: { value: new Map() },
    invariants: { value: { findings: [], more: false } },
    ...over,
  };
}

const codesOf = (diagnoses: readonly Diagnosis[]): string[] => diagnoses.map(({ code }) => code);
const ofInfo = (over: Readonly<Record<string, string>>): Diagnosis[] => diagnose(facts({ info: { value: { ...info, ...over } } }));
const ofQueue = (over: Partial<QueueFacts>, beside: Partial<Facts> = {}): Diagnosis[] =>
  diagnose(facts({ queues: { value: { total: 1, looked: [{ ...empty, ...over }] } }, ...beside }));
const servers = (...looked: Partial<ServerFacts>[]): Partial<Facts> => ({
  servers: { value: looked.map((over) => ({ ...server, ...over })) },
});

test("of sound facts nothing is told", () => {
  expect(diagnose(facts())).toEqual([]);
});

describe("of Redis", () => {
  test.each([
    [{ redis_version: "6.2.23" }, "redis-unpatched", "lacks fixes"],
    [{ redis_version: "6.2.19" }, "redis-unpatched", "CVE-2025-49844"],
    [{ redis_version: "7.0.15" }, "redis-unpatched", "lacks fixes"],
    [{ redis_version: "7.2.4", server_name: "valkey", valkey_version: "8.1.8" }, "redis-unpatched", "Valkey 8.1.8 lacks"],
    [{ redis_version: "7.2.4", server_name: "valkey", valkey_version: "8.1.3" }, "redis-unpatched", "Valkey 8.1.3 lets"],
    [{ maxmemory_policy: "volatile-lru" }, "eviction", "deletes tasks"],
    [{ maxmemory: "1000" }, "memory-full", "takes no new task"],
    [{ maxmemory: "1100" }, "memory-near", "nearly full"],
    [{ aof_enabled: "0" }, "no-persistence", "keeps nothing on disk"],
    [{ rdb_last_bgsave_status: "err" }, "saving-fails", "cannot write"],
    [{ aof_last_write_status: "err" }, "saving-fails", "cannot write"],
    [{ role: "slave" }, "replica-asked", "takes no task"],
    [{ redis_mode: "sentinel" }, "sentinel-asked", "keeps no tasks"],
    [{ loading: "1" }, "redis-loading", "still loading"],
  ] as const)("%j is %s", (over, code, what) => {
    expect(ofInfo(over)).toMatchObject([{ code, what: expect.stringContaining(what) }]);
  });

  test.each([
    { redis_version: "6.2.24" },
    { redis_version: "8.12.0" },
    { redis_version: "7.2.4", server_name: "valkey", valkey_version: "9.1.1" },
    { redis_version: "7.2.4", server_name: "valkey", valkey_version: "10.0.0" },
    { redis_version: "unstable" },
    { redis_version: "6.2.6", upstash_version: "1.10.5" },
    { redis_version: "7.4.0", dragonfly_version: "df-v1.30.0" },
    { maxmemory: "2000" },
  ])("%j is nothing", (over) => {
    expect(ofInfo(over)).toEqual([]);
  });

  test("snapshots alone are told where there are some, also where Redis hides its settings", () => {
    const off = { value: { ...info, aof_enabled: "0", rdb_last_save_time: "1", rdb_saves: "3" } };
    expect(codesOf(diagnose(facts({ info: off, settings: { value: { save: "3600 1" } } })))).toEqual(["snapshots-only"]);
    expect(codesOf(diagnose(facts({ info: off, settings: { why: "NOPERM" } })))).toEqual(["snapshots-only", "not-known"]);
  });

  test("scripts that are flushed more than once an hour are told, a deploy's flush is not", () => {
    expect(codesOf(diagnose(facts({ scriptFlushes: { value: 24 } })))).toEqual([]);
    expect(diagnose(facts({ scriptFlushes: { value: 100 }, errors: { value: new Map([["NOSCRIPT", 7]]) } }))).toMatchObject([
      { code: "scripts-flushed", evidence: expect.stringContaining("100 times in 24 h; 7 calls") },
    ]);
  });

  test("a clock is worth a word from 2 s on, and stops servers from 5 min on", () => {
    const severities = [1_999, 2_000, -2_000, 300_001].map((value) =>
      diagnose(facts({ offsetMs: { value } })).map(({ severity }) => severity),
    );
    expect(severities).toEqual([[], ["warning"], ["warning"], ["error"]]);
  });

  test("a Cluster that misses slots is told", () => {
    const cluster = (cluster_state: string, cluster_slots_ok: string): string[] =>
      codesOf(diagnose(facts({ cluster: { value: { cluster_state, cluster_slots_ok } } })));
    expect(cluster("ok", "16384")).toEqual([]);
    expect(cluster("fail", "16384")).toEqual(["cluster-down"]);
    expect(cluster("ok", "10923")).toEqual(["cluster-down"]);
  });
});

describe("of a queue in which tasks are pending", () => {
  const waiting = { pending: 3, nextId: "a", pendingSinceSec: nowSec - 300, moves: false };
  const late: TaskFacts = { id: "x", type: "t", state: "retry", trouble: "deadline" };

  test.each([
    ["paused", { paused: true }, {}, ["queue-paused"]],
    ["no server at all", {}, servers(), ["no-server"]],
    ["no server of it", {}, servers({ queues: { other: 1 } }), ["no-server"]],
    ["servers that are told to stop", {}, servers({ status: "stopped" }), ["servers-stopped"]],
    ["every slot taken", {}, servers({ running: 10 }), ["concurrency-full"]],
    ["slots that look free, and tasks that ended by their timeout", { tasks: [late] }, {}, ["slots-leaked"]],
    ["slots that look free", {}, {}, ["tasks-not-taken"]],
    ["work that goes on", { moves: true }, {}, ["backlog"]],
    ["tasks that just came", { pendingSinceSec: nowSec - 5 }, servers(), []],
    ["tasks that came a little before, and a server", { pendingSinceSec: nowSec - 30 }, {}, []],
    ["nobody knows of servers", {}, { servers: { why: "NOPERM" } }, ["not-known"]],
    ["tasks that say not since when", { pendingSinceSec: undefined }, servers(), ["no-server"]],
    ["a task that Go's CLI ran, which says not since when, and that was taken", { pendingSinceSec: undefined, moves: true }, {}, []],
    ["such a task while every slot is taken, again and again", { pendingSinceSec: undefined, moves: true }, servers({ running: 10 }), []],
    ["such a task that is not taken", { pendingSinceSec: undefined }, {}, ["tasks-not-taken"]],
  ] as const)("%s", (_, over, beside, codes) => {
    expect(codesOf(ofQueue({ ...waiting, ...over }, beside as Partial<Facts>))).toEqual(codes);
  });

  test("it starves where every server of it is strict and has a queue above it with tasks", () => {
    const high = { ...empty, ...waiting, queue: "high", pendingSinceSec: nowSec - 1 };
    const low = { ...empty, ...waiting, queue: "low" };
    const strict = { strictPriority: true, queues: { high: 2, low: 1 } };
    const told = (looked: readonly QueueFacts[], ...beat: Partial<ServerFacts>[]): string[] =>
      codesOf(diagnose(facts({ queues: { value: { total: looked.length, looked } }, ...servers(...beat) })));

    expect(told([high, low], strict)).toEqual(["queue-starved"]);
    expect(told([{ ...high, pending: 0, active: 1 }, low], strict)).toEqual(["queue-starved"]);
    expect(told([{ ...high, pending: 0 }, low], strict)).toEqual(["tasks-not-taken"]);
    expect(told([{ ...high, paused: true }, low], strict)).toEqual(["tasks-not-taken", "queue-paused"]);
    expect(told([high, low], strict, { queues: { low: 1 } })).toEqual(["tasks-not-taken"]);
    expect(told([high, { ...low, moves: true }], strict)).toEqual(["backlog"]);
  });
});

describe("of what lies due", () => {
  const ago = (sec: number): number => nowSec - sec;
  const nobody = servers();

  test.each([
    [
      "forward-late",
      { scheduled: 1, due: 1, firstScheduledSec: ago(bounds.forwardSec) },
      { firstScheduledSec: ago(bounds.forwardSec - 1) },
    ],
    ["forward-late", { retry: 1, due: 1, firstRetrySec: ago(bounds.forwardSec) }, { firstRetrySec: ago(bounds.forwardSec - 1) }],
    ["recover-late", { active: 1, lost: 1, firstLeaseSec: ago(bounds.recoverSec) + 0.5 }, { firstLeaseSec: ago(bounds.recoverSec - 1) }],
    ["recover-late", { firstSetSec: ago(bounds.recoverSec) }, { firstSetSec: ago(bounds.recoverSec - 1) }],
    ["janitor-late", { completed: 1, firstCompletedSec: ago(bounds.janitorSec) }, { firstCompletedSec: ago(bounds.janitorSec - 1) }],
    [
      "janitor-late",
      { archived: 1, firstArchivedSec: ago(bounds.archiveMaxAgeSec + bounds.janitorSec) },
      { firstArchivedSec: ago(bounds.archiveMaxAgeSec) },
    ],
    ["aggregate-late", { groups: 1, groupedSinceSec: ago(bounds.groupedSec) }, { groupedSinceSec: ago(bounds.groupedSec - 1) }],
  ] as const)("%s from then on, not a second before", (code, over, before) => {
    expect(codesOf(ofQueue(over))).toEqual([code]);
    expect(codesOf(ofQueue({ ...over, ...before }))).toEqual([]);
  });

  test("an archive that is older than its age is no fault: Go's servers trim it when another task is archived, not before", () => {
    const old = { archived: 1, firstArchivedSec: ago(bounds.archiveMaxAgeSec + bounds.janitorSec) };
    expect(ofQueue(old)).toMatchObject([{ code: "janitor-late", severity: "notice" }]);
    const over = { completed: 1, firstCompletedSec: ago(bounds.janitorSec) };
    expect(ofQueue({ ...old, ...over })).toMatchObject([{ code: "janitor-late", severity: "warning" }]);
  });

  test("whose work it is depends on who is there", () => {
    const due = { scheduled: 1, due: 1_000, firstScheduledSec: ago(600) };
    expect(ofQueue(due)[0]).toMatchObject({ remedy: expect.stringContaining("log of its servers") });
    const [alone] = ofQueue(due, nobody);
    expect(alone!.evidence).toContain("1,000 or more tasks of scheduled and retry due");
    expect(alone!.remedy).toContain("start a server of the queue");
  });

  test("maintenance is missing where neither a server nor a cron function is there", () => {
    const scheduled = { scheduled: 1, firstScheduledSec: nowSec + 600 };
    expect(codesOf(ofQueue(scheduled, nobody))).toEqual(["maintenance-missing"]);
    expect(codesOf(ofQueue(scheduled))).toEqual([]);
    expect(codesOf(ofQueue(scheduled, { ...nobody, ticks: { value: new Map([["janitor", nowSec - 200]]) } }))).toEqual([]);
  });

  test("cron entries fire, or an entry or all of them do not", () => {
    const schedule = (over: Partial<NonNullable<Facts["schedule"]["value"]>>): string[] =>
      diagnose(facts({ schedule: { value: { entries: 1, sinceSec: ago(3_600), told: true, first: undefined, ...over } } })).map(
        ({ code, subject: { name } }) => `${code} ${name ?? ""}`,
      );
    expect(schedule({ first: { id: "e", nextSec: nowSec + 60 } })).toEqual([]);
    expect(schedule({ told: false, sinceSec: ago(60) })).toEqual([]);
    expect(schedule({ told: false })).toEqual(["schedule-late "]);
    expect(schedule({ first: { id: "e", nextSec: ago(bounds.scheduleSec) } })).toEqual(["schedule-late e"]);
  });
});

describe("of single tasks", () => {
  test("those without a handler and those that crash workers are told by their types", () => {
    const tasks: TaskFacts[] = ["a", "b", "c", "d"].map((type) => ({ id: type, type, state: "archived", trouble: "no handler" }));
    const [unhandled, suspects] = ofQueue({ tasks: [...tasks, { id: "e", type: "e", state: "retry", trouble: "crashed" }] });
    expect(unhandled).toMatchObject({ code: "no-handler", severity: "error" });
    expect(unhandled!.what).toBe('no handler is registered for tasks of type "a", "b", "c" and 1 more');
    expect(suspects).toMatchObject({ code: "suspects-waiting", evidence: "1 task seen in retry with a crash count" });
  });

  test("what is handed back may wait for a server that is just being deployed", () => {
    const handedBack: TaskFacts = { id: "a", type: "t", state: "scheduled", trouble: "no handler" };
    expect(ofQueue({ tasks: [handedBack] })).toMatchObject([{ code: "no-handler", severity: "warning" }]);
    expect(ofQueue({ tasks: [handedBack, { ...handedBack, state: "retry" }] })).toMatchObject([{ severity: "error" }]);
  });

  test("quarantine, a full archive, Go's workers beside ours", () => {
    expect(codesOf(ofQueue({ quarantined: 1, archived: 9_999, leasesOfGo: 1, leasesOfOurs: 1 }))).toEqual([
      "quarantined",
      "archive-full",
      "go-workers",
    ]);
    expect(ofQueue({ archived: 9_998, leasesOfGo: 5 })).toEqual([]);
  });
});

describe("of who may do what", () => {
  test("a user that lacks what its part asks is told once, by how it was tried", () => {
    const refused = ["a", "b", "c", "d", "e", "f", "g"];
    const denial = { user: "asynqjs-worker", reason: "command", object: "zadd", times: 3, ageSec: 10 };
    const logins = { value: [{ user: "asynqjs-worker", part: "worker", refused }] };
    expect(diagnose(facts({ logins, denials: { value: [denial] } }))).toMatchObject([
      {
        code: "acl-refused",
        subject: { kind: "user", name: "asynqjs-worker" },
        evidence: "refused to it: “a”, “b”, “c”, “d”, “e” and 2 more",
      },
    ]);
  });

  test("what was refused lately is told by user; a wrong password, and what is long over, are not", () => {
    const denials = [
      { user: "mailer", reason: "command", object: "zadd", times: 3, ageSec: 10 },
      { user: "mailer", reason: "key", object: "other", times: 1, ageSec: 40 },
      { user: "guess", reason: "auth", object: "AUTH", times: 9, ageSec: 1 },
      { user: "old", reason: "command", object: "get", times: 1, ageSec: bounds.denialSec + 1 },
    ];
    expect(diagnose(facts({ denials: { value: denials } }))).toMatchObject([
      { subject: { name: "mailer" }, evidence: "ACL LOG: “command zadd (3 times)”, “key other”, last 10 s ago" },
    ]);
  });

  test("what may not be asked is told as such, each with what would let us", () => {
    const why = "redis refused: NOPERM";
    const unknown = diagnose(
      facts({
        ...{
          offsetMs: { why },
          info: { why },
          errors: { why },
          scriptFlushes: { why },
          settings: { why },
          cluster: { why },
          logins: { why },
        },
        ...{ denials: { why }, servers: { why }, queues: { why }, schedule: { why }, ticks: { why }, invariants: { why } },
      }),
    );
    expect(new Set(codesOf(unknown))).toEqual(new Set(["not-known"]));
    expect(unknown).toHaveLength(12);
    for (const { severity, evidence, remedy } of unknown) {
      expect(severity).toBe("unknown");
      expect(evidence).toContain(why);
      expect(remedy).not.toBe("");
    }
  });
});

test("an invariant is told once for each queue, with the first place and how many more", () => {
  const finding = { invariant: "I5", queue: "q", key: "asynq:{q}:t:a", message: "is active without a lease" } as const;
  const findings = [finding, { ...finding, key: "asynq:{q}:t:b" }, { ...finding, queue: "r" }, { ...finding, invariant: "I11" } as const];
  expect(diagnose(facts({ invariants: { value: { findings, more: false } } }))).toMatchObject([
    {
      subject: { name: "q" },
      severity: "error",
      what: "I5 does not hold: what is active has a lease",
      evidence: expect.stringMatching(/; and 1 place more$/),
    },
    { subject: { name: "r" }, severity: "error" },
    { subject: { name: "q" }, severity: "warning" },
  ]);
});

test("the worst comes first, and each has its remedy", () => {
  const told = diagnose(
    facts({ offsetMs: { value: 5_000 }, ticks: { why: "no" }, info: { value: { ...info, maxmemory_policy: "allkeys-lru" } } }),
  );
  expect(told.map(({ severity }) => severity)).toEqual(["error", "warning", "unknown"]);
});
