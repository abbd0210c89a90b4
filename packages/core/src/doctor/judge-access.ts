import { bounds } from "./bounds.ts";
import { ofRedis, type Tell } from "./diagnosis.ts";
import type { Denial, Facts } from "./facts.ts";
import { sayTime } from "./say.ts";

/** An examination asks all that may be refused within so long. */
const examinationSec = 5;

/** Who may not do what it is to do, and what may not be asked. */
export function judgeAccess(facts: Facts, tell: Tell): void {
  const told = new Set<string>();
  for (const { user, part, refused } of facts.logins.value ?? []) {
    if (refused.length === 0) continue;
    told.add(user);
    tell({
      code: "acl-refused",
      severity: "error",
      subject: { kind: "user", name: user },
      what: `the user may not do what the part “${part}” asks of Redis`,
      evidence: `refused to it: ${listOf(refused)}`,
      remedy: `give it the rules of deploy/acl/${part}.acl`,
    });
  }
  const byUser = new Map<string, Denial[]>();
  const denied = facts.denials.value ?? [];
  // Whoever examined Redis and may not know all was refused several things within a moment, among them what only a doctor asks.
  const looks = denied.filter(({ object }) => object === "acl|log" || object === "acl|dryrun");
  for (const denial of denied) {
    if (looks.some(({ user, ageSec }) => user === denial.user && Math.abs(ageSec - denial.ageSec) <= examinationSec)) continue;
    // Who logs in with a wrong password may be anybody, and what is long over was mended.
    if (denial.reason === "auth" || denial.ageSec > bounds.denialSec || told.has(denial.user)) continue;
    byUser.set(denial.user, [...(byUser.get(denial.user) ?? []), denial]);
  }
  for (const [user, denials] of byUser) {
    const refused = denials.map(({ reason, object, times }) => `${reason} ${object}${times > 1 ? ` (${times} times)` : ""}`);
    tell({
      code: "acl-refused",
      severity: "warning",
      subject: { kind: "user", name: user },
      what: "Redis refused the user something lately",
      evidence: `ACL LOG: ${listOf(refused)}, last ${sayTime(Math.min(...denials.map(({ ageSec }) => ageSec)))} ago`,
      remedy: "give it the rules of its part in deploy/acl; ACL LOG RESET forgets what is mended",
    });
  }
  judgeUnknown(facts, tell);
}

/** What nobody could look at, and what would let us. */
function judgeUnknown(facts: Facts, tell: Tell): void {
  const unknown = (known: { readonly why?: string | undefined } | undefined, what: string, remedy: string): void => {
    if (known?.why === undefined) return;
    tell({ code: "not-known", severity: "unknown", subject: ofRedis, what: `not known: ${what}`, evidence: known.why, remedy });
  };
  const grant = (rule: string): string => `give the user that looks +${rule}, if it may know`;
  unknown(facts.offsetMs, "whether the clocks agree", grant("time"));
  unknown(facts.info, "what Redis is, how full, and what it keeps", grant("info"));
  unknown(facts.scriptFlushes, "whether scripts are flushed", grant("info"));
  unknown(facts.settings, "when Redis writes to its disk", `${grant("config|get")}: that command shows passwords of Redis too`);
  unknown(facts.cluster, "whether the whole Cluster is served", grant("cluster|info"));
  unknown(facts.logins, "what the users of the parts may do", `${grant("acl|dryrun")}: Redis has it from 7.0 on`);
  const refused = facts.errors.value?.get("NOPERM") ?? 0;
  const denials = facts.denials.why && {
    why: `${facts.denials.why}; ${refused} commands were refused for lack of permission since its start`,
  };
  unknown(denials || undefined, "what Redis refused lately", grant("acl|log"));
  unknown(facts.servers, "which servers beat", grant("zrangebyscore +get ~asynq:servers ~asynq:servers:*"));
  unknown(facts.queues, "how the queues stand", grant("scard +srandmember +evalsha +eval, and what deploy/acl/read-only.acl has"));
  const unsampled = facts.unsampled === undefined ? undefined : { why: facts.unsampled };
  unknown(unsampled, "what went wrong with single tasks", grant("hmget +hstrlen +lrange +zrange +zrevrangebyscore"));
  unknown(
    facts.schedule,
    "whether cron entries fire",
    grant("hlen +hscan +zscore +lrange ~asynq:schedulers ~asynq:schedulers:* ~asynq:js:cron"),
  );
  unknown(facts.ticks, "when cron functions ran last", grant("hscan ~asynq:js:ticks"));
  unknown(facts.invariants, "whether the invariants hold", "look for them with invariants: true (asynqjs doctor --deep)");
}

function listOf(words: readonly string[]): string {
  const shown = words.slice(0, 5).map((word) => `“${word}”`);
  return words.length > shown.length ? `${shown.join(", ")} and ${words.length - shown.length} more` : shown.join(", ");
}
