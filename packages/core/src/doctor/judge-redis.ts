import { bounds } from "./bounds.ts";
import { ofRedis, type Tell } from "./diagnosis.ts";
import type { Facts, InfoFields } from "./facts.ts";
import { knownHole } from "./known-holes.ts";
import { sayTime } from "./say.ts";

/** Redis itself: what it is, what it does when it is full, what a crash leaves. */
export function judgeRedis(facts: Facts, tell: Tell): void {
  const info = facts.info.value;
  if (info !== undefined) {
    judgeRole(info, facts, tell);
    judgeVersion(info, tell);
    judgeMemory(info, facts, tell);
    judgePersistence(info, facts, tell);
    judgeScripts(info, facts, tell);
  }
  judgeClock(facts, tell);
  if (facts.durability !== undefined)
    tell({
      code: "durability",
      severity: "error",
      subject: ofRedis,
      what: "the tier of durability that is demanded cannot be had",
      evidence: facts.durability,
      remedy: "set Redis up for it, or demand less: docs/guarantees.md, “How much an acknowledged task survives”",
    });
}

function judgeRole(info: InfoFields, { cluster }: Facts, tell: Tell): void {
  if (info.redis_mode === "sentinel")
    tell({
      code: "sentinel-asked",
      severity: "error",
      subject: ofRedis,
      what: "this is a Sentinel, no Redis: it keeps no tasks",
      evidence: "INFO says redis_mode:sentinel",
      remedy: "connect through Sentinels by a URI redis-sentinel://…, or to the master itself",
    });
  if (info.role === "slave")
    tell({
      code: "replica-asked",
      severity: "error",
      subject: ofRedis,
      what: "this is a replica: it takes no task, and what it shows may be old",
      evidence: `INFO says role:slave, its master is ${info.master_host}:${info.master_port}, the link ${info.master_link_status}`,
      remedy: "connect to the master: through Sentinels, or by a name that follows it",
    });
  if (info.loading === "1")
    tell({
      code: "redis-loading",
      severity: "error",
      subject: ofRedis,
      what: "Redis is still loading what it keeps: it takes nothing yet",
      evidence: `INFO says loading:1, ${info.loading_eta_seconds ?? "?"} s to go`,
      remedy: "wait: clients repeat their calls by themselves",
    });
  const state = cluster?.value;
  if (state !== undefined && (state.cluster_state !== "ok" || state.cluster_slots_ok !== "16384"))
    tell({
      code: "cluster-down",
      severity: "error",
      subject: ofRedis,
      what: "a part of the Cluster is not served: the queues there stand still",
      evidence: `CLUSTER INFO says cluster_state:${state.cluster_state}, ${state.cluster_slots_ok} of 16384 slots are well`,
      remedy: "bring the lost masters or their replicas back: redis-cli --cluster check",
    });
}

function judgeVersion(info: InfoFields, tell: Tell): void {
  const product = info.server_name === "valkey" || info.valkey_version !== undefined ? "valkey" : "redis";
  const version = (product === "valkey" ? info.valkey_version : info.redis_version) ?? "";
  // Of another make, the version is that of the Redis it is like.
  if (info.upstash_version !== undefined || info.dragonfly_version !== undefined) return;
  const hole = knownHole(product, version);
  if (hole === undefined) return;
  const name = product === "valkey" ? "Valkey" : "Redis";
  const runsCode = "runsCode" in hole && hole.runsCode;
  tell({
    code: "redis-unpatched",
    severity: "warning",
    subject: ofRedis,
    what: runsCode
      ? `${name} ${version} lets whoever may send a script run code on its machine (CVE-2025-49844)`
      : `${name} ${version} lacks fixes of holes that are known`,
    evidence:
      "ended" in hole
        ? "its line gets no fixes any more from those who make it; a distribution or a host may have patched it, which a version does not tell"
        : `the first ${name} of its line with every fix known here is ${hole.fixed}; a distribution or a host may have patched it, which a version does not tell`,
    remedy: "ended" in hole ? `go to a line that is kept, or to a patched package of your distribution` : `go to ${hole.fixed} or newer`,
  });
}

function judgeMemory(info: InfoFields, { errors }: Facts, tell: Tell): void {
  const policy = info.maxmemory_policy;
  const used = Number(info.used_memory ?? 0);
  const max = Number(info.maxmemory ?? 0);
  if (policy !== undefined && policy !== "noeviction")
    tell({
      code: "eviction",
      severity: "error",
      subject: ofRedis,
      what: "Redis deletes tasks, queues and call records as it likes when it is full",
      evidence: `maxmemory-policy is ${policy}${max === 0 ? ", with no maxmemory yet" : ""}; ${info.evicted_keys ?? 0} keys were evicted since its start`,
      remedy: "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf; a cache gets a Redis of its own",
    });
  if (max === 0) return;
  const share = `${used} of ${max} bytes are used`;
  if (used >= max)
    tell({
      code: "memory-full",
      severity: "error",
      subject: ofRedis,
      what: "Redis is full: it takes no new task",
      evidence: `${share}; ${errors.value?.get("OOM") ?? 0} commands were refused for it since its start`,
      remedy: "let workers drain it, delete archived and completed tasks, or raise maxmemory",
    });
  else if (used >= max * bounds.memoryShare)
    tell({
      code: "memory-near",
      severity: "warning",
      subject: ofRedis,
      what: "Redis is nearly full: soon it takes no new task",
      evidence: share,
      remedy: "raise maxmemory, or keep less: retention, archive, size of payloads",
    });
}

function judgePersistence(info: InfoFields, { settings }: Facts, tell: Tell): void {
  if (info.rdb_last_bgsave_status === "err" || info.aof_last_write_status === "err")
    tell({
      code: "saving-fails",
      severity: "error",
      subject: ofRedis,
      what: "Redis cannot write to its disk: it may refuse every write, and a crash loses what it could not save",
      evidence: `INFO says rdb_last_bgsave_status:${info.rdb_last_bgsave_status}, aof_last_write_status:${info.aof_last_write_status}`,
      remedy: "look into Redis' log; make room on its disk, or let it write there",
    });
  if (info.aof_enabled !== "0") return;
  const save = settings.value?.save;
  const replicas = Number(info.connected_slaves ?? 0);
  const beside = replicas > 0 ? `; ${replicas} replica(s) follow it, which a failover makes use of` : "";
  if (save === "" || (save === undefined && (info.rdb_last_save_time === undefined || info.rdb_saves === "0")))
    tell({
      code: "no-persistence",
      severity: "warning",
      subject: ofRedis,
      what: "Redis keeps nothing on disk: a crash or a restart loses every task",
      evidence: `appendonly is no, ${save === "" ? "and no snapshots are made" : "and no snapshot was made yet"}${beside}`,
      remedy: "CONFIG SET appendonly yes, and the same in redis.conf; appendfsync always for the tier fsync",
    });
  else
    tell({
      code: "snapshots-only",
      severity: "warning",
      subject: ofRedis,
      what: "a crash of Redis loses every task since its last snapshot",
      evidence: `appendonly is no${save === undefined ? "" : `, snapshots are made by “save ${save}”`}; ${info.rdb_changes_since_last_save ?? "?"} changes since the last one${beside}`,
      remedy: "CONFIG SET appendonly yes, and the same in redis.conf",
    });
}

function judgeScripts(info: InfoFields, { scriptFlushes, errors }: Facts, tell: Tell): void {
  const hours = Math.max(1, Number(info.uptime_in_seconds ?? 0) / 3600);
  const flushes = scriptFlushes.value ?? 0;
  if (flushes / hours <= bounds.flushesPerHour) return;
  tell({
    code: "scripts-flushed",
    severity: "warning",
    subject: ofRedis,
    what: "somebody has Redis forget all scripts again and again: each call is then sent twice, by hash and as text",
    evidence: `SCRIPT FLUSH was asked ${flushes} times in ${sayTime(hours * 3600)}; ${errors.value?.get("NOSCRIPT") ?? 0} calls found no script`,
    remedy: "find who asks it: ACL LOG, CLIENT LIST; take +script|flush from users that have no need of it",
  });
}

function judgeClock({ offsetMs }: Facts, tell: Tell): void {
  const offset = offsetMs.value ?? 0;
  if (Math.abs(offset) < bounds.skewMs) return;
  const isFar = Math.abs(offset) > bounds.mostSkewMs;
  tell({
    code: "clock-skew",
    severity: isFar ? "error" : "warning",
    subject: ofRedis,
    what: isFar
      ? "this machine's clock and that of Redis are so far apart that no server or tick starts here"
      : "this machine's clock and that of Redis differ: clients here shift due times and the end of unique locks by as much",
    evidence: `the clock of Redis is ${sayTime(Math.abs(offset) / 1000)} ${offset > 0 ? "ahead of" : "behind"} this machine's`,
    remedy: "run a time service (chrony, systemd-timesyncd) on both machines",
  });
}
