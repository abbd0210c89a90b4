/** What may be done with tasks, in which state, by which key. @module */
import type { Action, Tab, Verb } from "./state.ts";

/** The key of each verb; in capitals it is meant for all that are listed. */
export const verbKeys: Readonly<Record<string, Verb>> = { r: "run", a: "archive", d: "delete", e: "redrive", c: "cancel" };

const takes: Readonly<Record<Verb, readonly Tab[]>> = {
  run: ["aggregating", "scheduled", "retry", "archived", "completed", "js:quarantine"],
  archive: ["pending", "aggregating", "scheduled", "retry", "completed"],
  delete: ["pending", "aggregating", "scheduled", "retry", "archived", "completed", "js:quarantine"],
  redrive: ["retry", "archived"],
  cancel: ["active"],
};

export function canBeDone(verb: Verb, state: Tab): boolean {
  return takes[verb].includes(state);
}

export function tabName(tab: Tab): string {
  return tab === "js:quarantine" ? "quarantined" : tab;
}

/** Whether it can be done with all that are in this state at once; what is quarantined is looked at one by one. */
export function canBeDoneWithAll(verb: Verb, state: Tab): boolean {
  return state !== "js:quarantine" && canBeDone(verb, state);
}

/** Why a verb is not for tasks of this state. */
export function whyNot(verb: Verb, state: Tab): string {
  const from = takes[verb].map(tabName);
  const last = from.at(-1)!;
  return `${verb} is for ${from.length === 1 ? last : `${from.slice(0, -1).join(", ")} or ${last}`} tasks, not for ${tabName(state)} ones`;
}

const past: Readonly<Record<Verb | "pause" | "resume", string>> = {
  run: "made pending",
  archive: "archived",
  delete: "deleted",
  redrive: "begun anew",
  cancel: "told to stop",
  pause: "paused",
  resume: "resumed",
};

/** What is asked before it is done. */
export function questionOf(action: Action): string {
  const verb = `${action.verb[0]!.toUpperCase()}${action.verb.slice(1)}`;
  switch (action.on) {
    case "queue":
      return `${verb} queue "${action.queue}"?`;
    case "task":
      return `${verb} task "${action.id}" of queue "${action.queue}"?`;
    case "tab": {
      const where = action.group === undefined ? `queue "${action.queue}"` : `group "${action.group}" of queue "${action.queue}"`;
      return `${verb} all ${action.count} ${tabName(action.tab)} tasks of ${where}?`;
    }
    case "found":
      return `${verb} every task of queue "${action.queue}" that the search finds (${action.found} found): ${action.text}`;
    default:
      return action satisfies never;
  }
}

/** What became of it. */
export function tellDone(action: Action, done: number, left = ""): string {
  // What may have to be cut stands last.
  if (action.on === "queue") return `queue ${past[action.verb]}: "${action.queue}"`;
  if (action.on === "task") return `task ${past[action.verb]}: "${action.id}"`;
  return `${done} ${done === 1 ? "task" : "tasks"} ${past[action.verb]}${left}`;
}
