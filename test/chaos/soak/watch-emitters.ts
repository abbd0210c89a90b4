/**
 * Knows every event emitter that is made from now on, and how many listeners they have: to be loaded by `--import`, before all else.
 * @module
 */
import { EventEmitter } from "node:events";

const emitters = new Set<WeakRef<EventEmitter>>([new WeakRef(process)]);

const made = EventEmitter as unknown as { init(this: EventEmitter, options: unknown): void };
const init = made.init;
made.init = function (options) {
  emitters.add(new WeakRef(this));
  init.call(this, options);
};

/** How many listeners all emitters have that are alive. */
export function countListeners(): number {
  let count = 0;
  for (const ref of emitters) {
    const emitter = ref.deref();
    if (emitter === undefined) emitters.delete(ref);
    else for (const event of emitter.eventNames()) count += emitter.listenerCount(event);
  }
  return count;
}
