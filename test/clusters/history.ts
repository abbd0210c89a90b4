import type { HistoryEvent } from "@asynqjs/core/invariants";

/** What is known of one task that somebody asked for. */
export interface Story {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  /** What its caller was told: `refused`, that nothing was written. `undefined` while it waits. */
  answer?: Answer;
  /** How often it ran, in a task of its own or in the aggregated one. */
  runs: number;
}

export type Answer = "acknowledged" | "refused" | "unknown";

/** Everything that was asked for, answered and run. */
export interface History {
  readonly stories: ReadonlyMap<string, Story>;
  /** The same, in order. */
  readonly events: readonly HistoryEvent[];
  /** Names a task that is about to be asked for. */
  begin(type: string, queue: string): string;
  answered(id: string, answer: Answer): void;
  /** Its handler begins; answers how to say that it ended. */
  ran(id: string): () => void;
}

const outcomes = { acknowledged: "ok", refused: "refused", unknown: "unknown" } as const;

export function newHistory(): History {
  const stories = new Map<string, Story>();
  const events: HistoryEvent[] = [];
  let runs = 0;
  return {
    stories,
    events,
    begin(type, queue) {
      const id = `${stories.size} ${type}`;
      stories.set(id, { id, type, queue, runs: 0 });
      return id;
    },
    answered(id, answer) {
      stories.get(id)!.answer = answer;
      events.push({ type: "enqueue", id, outcome: outcomes[answer] });
    },
    ran(id) {
      const story = stories.get(id);
      if (story !== undefined) story.runs++;
      const run = String(runs++);
      events.push({ type: "start", id, run, atMs: performance.now() });
      return () => void events.push({ type: "end", run, atMs: performance.now() });
    },
  };
}
