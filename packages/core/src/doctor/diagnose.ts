import { invariants } from "../invariants/finding.ts";
import { bounds } from "./bounds.ts";
import { type Diagnosis, ofQueue, ofRedis, severities, type Tell } from "./diagnosis.ts";
import type { Facts } from "./facts.ts";
import { judgeAccess } from "./judge-access.ts";
import { judgeRedis } from "./judge-redis.ts";
import { judgeRunning } from "./judge-running.ts";
import { judgeTicks } from "./judge-ticks.ts";
import { judgeTrouble } from "./judge-trouble.ts";
import { sayCount, sayTime } from "./say.ts";

/** Everything that is wrong by these facts, the worst first. Asks nobody. */
export function diagnose(facts: Facts): Diagnosis[] {
  const diagnoses: Diagnosis[] = [];
  const tell: Tell = (diagnosis) => void diagnoses.push(diagnosis);
  judgeRedis(facts, tell);
  const queues = facts.queues.value?.looked ?? [];
  const around = {
    nowSec: facts.nowSec,
    servers: facts.servers.value,
    tickedSec: Math.max(0, ...(facts.ticks.value?.values() ?? [])),
    busy: new Set(queues.filter(({ pending, active, paused }) => pending + active > 0 && !paused).map(({ queue }) => queue)),
  };
  for (const queue of queues) {
    judgeRunning(queue, around, tell);
    judgeTicks(queue, around, tell);
    judgeTrouble(queue, tell);
  }
  for (const { queue, why } of facts.unreadable)
    tell({
      code: "queue-unreadable",
      severity: "error",
      subject: ofQueue(queue),
      what: "the queue stands still: a key of it is not what it should be",
      evidence: why,
      remedy: "find it with --deep, and delete or rename what somebody else put there",
    });
  judgeSchedule(facts, tell);
  judgeInvariants(facts, tell);
  judgeAccess(facts, tell);
  return diagnoses.sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

function judgeSchedule({ schedule, nowSec }: Facts, tell: Tell): void {
  if (schedule.value === undefined || schedule.value.entries === 0) return;
  const { entries, sinceSec, told, first } = schedule.value;
  if (!told && sinceSec !== undefined && nowSec - sinceSec >= bounds.scheduleSec)
    tell({
      code: "schedule-late",
      severity: "error",
      subject: ofRedis,
      what: "no cron entry fires: no schedule tick ran within a day",
      evidence: `${entries} cron entries in Redis, and nothing is told of them in asynq:schedulers`,
      remedy: "deploy cron functions (@asynqjs/cron-fn) with a trigger of each minute, or run asynqjs-cron",
    });
  if (told && first !== undefined && nowSec - first.nextSec >= bounds.scheduleSec)
    tell({
      code: "schedule-late",
      severity: "error",
      subject: { kind: "cron-entry", name: first.id },
      what: "the cron entry was to fire and did not: no schedule tick runs",
      evidence: `it was due ${sayTime(nowSec - first.nextSec)} ago`,
      remedy: "look into the log of the cron function, and whether its trigger comes each minute",
    });
}

/** Of each invariant and queue one, however often it is broken there. */
function judgeInvariants({ invariants: { value } }: Facts, tell: Tell): void {
  const places = new Map<string, NonNullable<typeof value>["findings"][number][]>();
  for (const finding of value?.findings ?? []) {
    const place = `${finding.invariant} ${finding.queue}`;
    places.set(place, [...(places.get(place) ?? []), finding]);
  }
  for (const found of places.values()) {
    const { invariant, queue, key, message } = found[0]!;
    tell({
      code: "invariant",
      severity: invariant === "I11" || invariant === "I15" ? "warning" : "error",
      subject: ofQueue(queue),
      what: `${invariant} does not hold: ${invariants[invariant]}`,
      evidence: `${key} ${message}${found.length > 1 ? `; and ${sayCount(found.length - 1, "place")} more` : ""}${value!.more ? ", at least" : ""}`,
      remedy:
        "repair mends most of it by itself, within minutes: a server or a cron function runs it; what stays, asynqjs task inspect shows",
    });
  }
}
