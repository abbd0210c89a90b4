import { listGroups } from "../broker/list-groups.ts";
import type { Broker } from "../broker.ts";
import type { SendOptions } from "../redis.ts";
import type { TaskPlace } from "./list-tasks.ts";
import type { StoredState } from "./stored-task.ts";

/** The places of these states, one after the other: where tasks are aggregating each group, found some at a time, is one. */
export async function* walkPlaces(
  broker: Broker,
  queue: string,
  states: readonly StoredState[],
  group: string | undefined,
  options: SendOptions,
): AsyncGenerator<TaskPlace> {
  for (const state of states) {
    if (state !== "aggregating" || group !== undefined) {
      yield { state, group };
      continue;
    }
    let cursor: string | undefined = "0";
    while (cursor !== undefined) {
      const page = await listGroups(broker, queue, cursor, options);
      for (const name of page.groups) yield { state, group: name };
      cursor = page.cursor;
    }
  }
}
