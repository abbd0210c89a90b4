import type { Broker } from "../broker.ts";
import { RedisError, RedisVersionError } from "../errors.ts";
import { diagnose } from "./diagnose.ts";
import { type Diagnosis, type DiagnosisCode, ofRedis, type Severity, severities } from "./diagnosis.ts";
import { type ExamineOptions, gatherFacts } from "./gather-facts.ts";

/** What an examination came to. Plain data: fit for JSON. */
export interface Examination {
  /** The worst of all; absent where there is nothing to tell. */
  readonly worst: Severity | undefined;
  /** The worst first; of each code ten at most. */
  readonly diagnoses: readonly Diagnosis[];
  /** How many more there are of a code. */
  readonly more: Readonly<Partial<Record<DiagnosisCode, number>>>;
  /** What was looked at, of how much. */
  readonly looked: {
    readonly queues: number;
    readonly ofQueues: number;
    readonly servers: number;
    /** Whether the invariants were looked for. */
    readonly invariants: boolean;
  };
}

/** Of each code so many are told of. */
const maxOfCode = 10;

/**
 * Looks at a Redis and everything of Asynq's in it, and says what is wrong, by what it is seen, and what to do: in ten requests or so, and one
 * more for each 500 queues; it takes two seconds longer where a task has waited for long though a server serves it. Writes nothing. What Redis does not let us look at is a finding, never an error.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError} Redis is not reachable
 */
export async function examine(
  broker: Broker,
  { ignore = [], ...options }: ExamineOptions & { readonly ignore?: readonly DiagnosisCode[] | undefined } = {},
): Promise<Examination> {
  const nothing = { queues: 0, ofQueues: 0, servers: 0, invariants: false };
  let diagnoses: Diagnosis[];
  let looked: Examination["looked"] = nothing;
  try {
    const facts = await gatherFacts(broker, options);
    const { queues, servers, invariants } = facts;
    looked = {
      queues: queues.value?.looked.length ?? 0,
      ofQueues: queues.value?.total ?? 0,
      servers: servers.value?.length ?? 0,
      invariants: invariants.value !== undefined && options.invariants !== false,
    };
    diagnoses = diagnose(facts);
  } catch (error) {
    diagnoses = [whyNoFacts(error)];
  }
  const counts = new Map<DiagnosisCode, number>();
  const kept = diagnoses.filter(({ code }) => {
    if (ignore.includes(code)) return false;
    const count = (counts.get(code) ?? 0) + 1;
    counts.set(code, count);
    return code === "not-known" || count <= maxOfCode;
  });
  const more = [...counts].filter(([code, count]) => code !== "not-known" && count > maxOfCode);
  return {
    worst: severities.find((severity) => kept.some((diagnosis) => diagnosis.severity === severity)),
    diagnoses: kept,
    more: Object.fromEntries(more.map(([code, count]) => [code, count - maxOfCode])),
    looked,
  };
}

/** A Redis that shows nothing at all says why by that. @throws what is no word of Redis */
function whyNoFacts(error: unknown): Diagnosis {
  if (error instanceof RedisVersionError)
    return {
      code: "redis-too-old",
      severity: "error",
      subject: ofRedis,
      what: "nothing works: this Redis is too old",
      evidence: error.message,
      remedy: "go to a line of Redis or Valkey that is kept",
    };
  if (error instanceof RedisError && error.reply === "LOADING")
    return {
      code: "redis-loading",
      severity: "error",
      subject: ofRedis,
      what: "Redis is still loading what it keeps: it takes nothing yet",
      evidence: error.message,
      remedy: "wait: clients repeat their calls by themselves",
    };
  if (error instanceof RedisError && error.reply === "NOPERM")
    return {
      code: "acl-refused",
      severity: "error",
      subject: ofRedis,
      what: "the user may not even ask what Redis this is: no part of asynqjs works with it",
      evidence: error.message,
      remedy: "give it the rules of its part in deploy/acl",
    };
  throw error;
}
