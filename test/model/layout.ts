/**
 * The names of keys, as Asynq's specification and `docs/extensions.md` have them: written down anew, so that a name that is wrong in core
 * is not right here.
 * @module
 */
export const queuesKey = "asynq:queues";

export interface QueueLayout {
  readonly queue: string;
  readonly pending: string;
  readonly active: string;
  readonly lease: string;
  readonly scheduled: string;
  readonly retry: string;
  readonly archived: string;
  readonly completed: string;
  readonly quarantine: string;
  readonly paused: string;
  readonly groups: string;
  readonly sets: string;
  readonly aggregated: string;
  readonly processed: string;
  readonly failed: string;
  readonly cursor: string;
}

const layouts = new Map<string, QueueLayout>();

/** The keys of a queue that have a fixed name. */
export function layoutOf(queue: string): QueueLayout {
  let layout = layouts.get(queue);
  if (layout === undefined) {
    const at = (rest: string): string => keyOf(queue, rest);
    layout = {
      queue,
      pending: at("pending"),
      active: at("active"),
      lease: at("lease"),
      scheduled: at("scheduled"),
      retry: at("retry"),
      archived: at("archived"),
      completed: at("completed"),
      quarantine: at("js:quarantine"),
      paused: at("paused"),
      groups: at("groups"),
      sets: at("aggregation_sets"),
      aggregated: at("js:aggregated"),
      processed: at("processed"),
      failed: at("failed"),
      cursor: at("js:repair"),
    };
    layouts.set(queue, layout);
  }
  return layout;
}

export function keyOf(queue: string, rest: string): string {
  return `asynq:{${queue}}:${rest}`;
}
export function taskAt(queue: string, id: string): string {
  return keyOf(queue, `t:${id}`);
}
export function groupAt(queue: string, group: string): string {
  return keyOf(queue, `g:${group}`);
}
export function setAt(queue: string, group: string, setId: string): string {
  return keyOf(queue, `g:${group}:${setId}`);
}

/** The queue and the rest of a queue's key. */
export function readKey(key: string): { readonly queue: string; readonly rest: string } | undefined {
  const [, queue, rest] = /^asynq:\{(.*?)\}:(.*)$/s.exec(key) ?? [];
  return queue === undefined ? undefined : { queue, rest: rest! };
}

/** The group that a set's key says it is of: what stands between `g:` and the last colon. */
export function groupOfSet(queue: string, setKey: string): string | undefined {
  const start = groupAt(queue, "");
  const name = setKey.slice(start.length);
  return setKey.startsWith(start) && name.includes(":") ? name.slice(0, name.lastIndexOf(":")) : undefined;
}

export const secOf = (ms: number): number => Math.floor(ms / 1000);
export const nsOf = (ms: number): string => `${Math.floor(ms)}000000`;
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
