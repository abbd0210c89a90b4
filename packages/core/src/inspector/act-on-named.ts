import type { Broker } from "../broker.ts";
import type { SendOptions } from "../redis.ts";
import { type BoundScript, run } from "../script.ts";
import { splitCalls } from "../split-calls.ts";
import { findPending } from "./find-pending.ts";
import type { TaskPlace } from "./list-tasks.ts";
import { type TaskVerdict, type VerbReply, type VerbValues, verbValues } from "./task-verbs.ts";

/** How named tasks are acted on. */
export interface NamedOptions extends SendOptions {
  /** Only those that are still there; the others are `changed`. */
  readonly from?: TaskPlace | undefined;
  /** Where in the list of pending tasks each was seen, from the left: found anew where it moved on, so it spares a search. */
  readonly places?: ReadonlyMap<string, number> | undefined;
}

const maxPerCall = { items: 100, bytes: 64 * 1024 };
/** So often an id is looked for that is never where it was found. */
const maxSearches = 5;

/** Sends what is named to a verb's script, and what was not reached again, once its place is found; one verdict each, in order. */
export async function actOnNamed(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  call: (values: VerbValues) => BoundScript<VerbReply>,
  { from, places = new Map(), ...options }: NamedOptions,
): Promise<{ readonly verdicts: TaskVerdict[]; readonly trimmed: number }> {
  const values = verbValues(broker, queue, from, undefined);
  const verdicts: TaskVerdict[] = ids.map(() => "misplaced");
  let trimmed = 0;
  let left = ids.map((id, nth) => ({ nth, id, at: places.get(id) ?? ("" as const) }));
  for (let searches = 0; left.length > 0 && searches <= maxSearches; ) {
    const later: { nth: number; id: string; at: number | "" }[] = [];
    for (const some of splitCalls(left, maxPerCall, ({ id }) => id.length)) {
      const reply = await run(broker, call({ ...values, items: some }), options);
      trimmed += reply.trimmed;
      for (const [i, verdict] of reply.verdicts.entries()) {
        if (verdict === "later") later.push(some[i]!);
        else verdicts[some[i]!.nth] = verdict as TaskVerdict;
      }
    }
    if (later.length === left.length) searches++;
    left = later;
    if (left.length > 0 && (searches > 0 || left.some(({ at }) => at === ""))) {
      const found = await findPending(
        broker,
        queue,
        left.map(({ id }) => id),
        options,
      );
      left = left.map(({ nth, id }) => ({ nth, id, at: found.get(id) ?? "" }));
    }
  }
  return { verdicts, trimmed };
}
