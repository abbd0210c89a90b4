/**
 * What two databases differ in, taken apart as far as it goes: a member, a score, a field of a hash, a field of a message. Bytes are compared
 * as they are; times are let differ by what the histories' own clock may.
 */
import { compareMessages, compareWorkers, steadyRecord } from "./compare-messages.ts";
import type { Slack } from "./slack.ts";
import type { Snapshot } from "./snapshot.ts";

/** One difference; a side that has nothing there is `undefined`. */
export interface Difference {
  readonly key: string;
  readonly part: "string" | "element" | "order" | "member" | "score" | "field" | "message" | "expiry" | "type";
  /** Which element, member or field of a hash. */
  readonly name?: string;
  /** Which field of a message. */
  readonly field?: number;
  readonly go: string | undefined;
  readonly ours: string | undefined;
}

export function findDifferences(go: Snapshot, ours: Snapshot, slack: Slack): Difference[] {
  const keys = [...new Set([...Object.keys(go.keys), ...Object.keys(ours.keys)])].sort();
  return keys.flatMap((key) => [...compareValues(key, go, ours, slack), ...compareExpiries(key, go, ours, slack)]);
}

function compareValues(key: string, { keys: goKeys }: Snapshot, { keys: ourKeys }: Snapshot, slack: Slack): Difference[] {
  const [go, ours] = [goKeys[key], ourKeys[key]];
  const kinds = new Set([go, ours].filter((value) => value !== undefined).map(kindOf));
  if (kinds.size > 1) return [{ key, part: "type", go: kindOf(go), ours: kindOf(ours) }];
  switch ([...kinds][0]) {
    case "string":
      return same(key, go as string, ours as string, slack) ? [] : [{ key, part: "string", go: go as string, ours: ours as string }];
    case "list":
      return compareLists(key, (go ?? []) as readonly string[], (ours ?? []) as readonly string[], slack);
    default:
      return comparePairs(key, (go ?? {}) as Pairs, (ours ?? {}) as Pairs, slack);
  }
}

type Pairs = Readonly<Record<string, string>>;

function kindOf(value: unknown): string {
  return typeof value === "string" ? "string" : Array.isArray(value) ? "list" : "pairs";
}

function same(key: string, go: string | undefined, ours: string | undefined, slack: Slack): boolean {
  if (go === ours) return true;
  if (go === undefined || ours === undefined) return false;
  if (key.endsWith(":paused")) return isNear(go, ours, slack.sec);
  return key.startsWith("asynq:servers:") && steadyRecord(go) === steadyRecord(ours);
}

/** Lists and sets; where both hold the same, its order counts. */
function compareLists(key: string, go: readonly string[], ours: readonly string[], slack: Slack): Difference[] {
  const differences = [...new Set([...go, ...ours])].flatMap((name): Difference[] => {
    const [inGo, inOurs] = [go, ours].map((list) => list.filter((element) => element === name).length);
    if (inGo === inOurs) return [];
    return [{ key, part: "element", name, go: inGo === 0 ? undefined : String(inGo), ours: inOurs === 0 ? undefined : String(inOurs) }];
  });
  if (differences.length > 0 || slack.order || go.join("\n") === ours.join("\n")) return differences;
  return [{ key, part: "order", go: go.join(" "), ours: ours.join(" ") }];
}

/** Hashes and sorted sets. */
function comparePairs(key: string, go: Pairs, ours: Pairs, slack: Slack): Difference[] {
  const isHash = /:t:|^asynq:workers:|^asynq:js:sweep$/.test(key);
  return [...new Set([...Object.keys(go), ...Object.keys(ours)])].sort().flatMap((name): Difference[] => {
    const [ofGo, ofOurs] = [go[name], ours[name]];
    if (ofGo === ofOurs) return [];
    if (ofGo === undefined || ofOurs === undefined) return [{ key, part: isHash ? "field" : "member", name, go: ofGo, ours: ofOurs }];
    if (!isHash) return isNear(ofGo, ofOurs, slack.sec) ? [] : [{ key, part: "score", name, go: ofGo, ours: ofOurs }];
    if (name === "msg") return compareMessages(key, ofGo, ofOurs, slack);
    if (key.startsWith("asynq:workers:")) return compareWorkers(key, name, ofGo, ofOurs);
    if (name === "pending_since" && isNear(ofGo, ofOurs, slack.ms * 1e6)) return [];
    return [{ key, part: "field", name, go: ofGo, ours: ofOurs }];
  });
}

/** Whole numbers that are hardly apart. */
function isNear(go: string, ours: string, most: number): boolean {
  return [go, ours].every((text) => /^-?\d+$/.test(text)) && Math.abs(Number(BigInt(go) - BigInt(ours))) <= most;
}

function compareExpiries(key: string, go: Snapshot, ours: Snapshot, slack: Slack): Difference[] {
  // Which side has the key at all was told.
  if (go.keys[key] === undefined || ours.keys[key] === undefined) return [];
  const [ofGo, ofOurs] = [go.expiresAtMs[key], ours.expiresAtMs[key]];
  if (ofGo === ofOurs) return [];
  const apartMs = (ofOurs ?? 0) - (ofGo ?? 0);
  const slackMs = key.includes(":unique:") ? slack.lockMs : key.startsWith("asynq:{") ? slack.statsMs : slack.serverMs;
  const isAround = apartMs >= -slackMs && apartMs <= slackMs + (slack.scheduledLocks.has(key) ? 1_000 : 0);
  if (ofGo !== undefined && ofOurs !== undefined && isAround) return [];
  return [{ key, part: "expiry", go: ofGo?.toFixed(0), ours: ofOurs?.toFixed(0) }];
}
