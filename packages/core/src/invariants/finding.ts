/** What holds of every keyspace, whatever happened to it; reliability is judged by these and by nothing else. */
export const invariants = {
  I1: "every task is in exactly one container",
  I2: "the state a task tells is its container's",
  I3: "every message can be read, or its task is set aside",
  I4: "every id in a container is a task's",
  I5: "what is active has a lease",
  I6: "what has a lease is active",
  I7: "only who holds a task's lease settles it",
  I8: "a unique lock is held by a task that has it",
  I9: "groups and aggregation sets that hold tasks are in their index",
  I10: "every queue that holds tasks can be seen",
  I11: "counters only grow, failures are among what was processed, and days among the total",
  I12: "what was acknowledged is done, and nothing else is",
  I13: "whatever can be done is done in time",
  I14: "nothing is taken out of a paused queue",
  I15: "retries stay within their limit, and what is no failure charges none",
  I16: "scripts, batches, memory and connections stay within their bounds",
} as const;

export type Invariant = keyof typeof invariants;

/** One place where an invariant does not hold. */
export interface Finding {
  readonly invariant: Invariant;
  readonly queue: string;
  /** The whole name of the key it was seen at; for what a history shows, the name of the task's. */
  readonly key: string;
  /** The task's, where it concerns one. */
  readonly id?: string;
  /** What is wrong there. Never holds a payload. */
  readonly message: string;
}

/** Takes one finding. */
export type Report = (finding: Finding) => void;
