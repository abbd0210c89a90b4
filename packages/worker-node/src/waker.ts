import { allServers, pausedKey, pendingKey, type RedisPort } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import type { Component } from "./ticker.ts";

/** How an idle server learns that there may be work. */
export interface Waker extends Component {
  /** Redis tells that keys of these names changed, or that anything may have. */
  changed(names?: string): void;
  /** The server has found nothing and rests. Answers for how long at most, should nobody wake it. */
  rests(watching: boolean): number;
}

/** With no more servers than that each looks at once. */
const fewServers = 5;
/** Of more servers each waits up to so long times their number, so that about one looks in that time. */
const turnMs = 2;
/** What no watcher may miss for ever: half of it to all of it. */
const watchedRestMs = 300_000;
/** A look is of no use later. */
const lookTimeoutMs = 3_000;

/**
 * Wakes the server when a queue of its changed. Where many servers are idle one of them is enough: each looks how much there is, which
 * costs next to nothing and makes Redis tell of the next change, waits its turn, and looks again if something changed meanwhile.
 */
export function waker(
  redis: RedisPort,
  { queues, taskCheckIntervalMs, clock, random }: Pick<Settings, "queues" | "taskCheckIntervalMs" | "clock" | "random">,
  wake: () => void,
): Waker {
  const names = Object.keys(queues);
  /** Those of which nothing can be taken: what is enqueued there wakes nobody. */
  let paused = new Set<string>();
  /** How often Redis told that queues were paused or resumed, perhaps: an answer that was under way then is no answer. */
  let pauses = 0;
  let servers = 1;
  /** It was woken and has not rested since. */
  let woken = false;
  let turn: { readonly cancel: () => void; changed: boolean } | undefined;
  let stopped = false;

  function concerns(text: string | undefined): boolean {
    if (text === undefined || names.some((queue) => text.includes(pausedKey(queue)))) {
      paused.clear();
      pauses++;
      return true;
    }
    return names.some((queue) => text.includes(pendingKey(queue)) && !paused.has(queue));
  }

  function look(): void {
    woken = true;
    wake();
  }

  /**
   * Answers how many tasks wait in queues that are not paused, and learns which are, and how many servers there are; where Redis does not
   * answer it is as if there were one. It is told of the next pause and resumption since it asked.
   */
  async function waiting(): Promise<number> {
    const before = pauses;
    try {
      const asked = names.flatMap((queue) => [
        ["LLEN", pendingKey(queue)],
        ["EXISTS", pausedKey(queue)],
      ]);
      const answers = await redis.send([...asked, ["ZCARD", allServers]], { timeoutMs: lookTimeoutMs });
      const counts = answers.map(({ reply }) => Number(reply ?? 0));
      servers = counts.pop()!;
      const isPaused = (nth: number): boolean => counts[2 * nth + 1] === 1;
      if (pauses === before) paused = new Set(names.filter((_, nth) => isPaused(nth)));
      return names.reduce((sum, _, nth) => (isPaused(nth) ? sum : sum + counts[2 * nth]!), 0);
    } catch {
      return 1;
    }
  }

  async function takeTurn(): Promise<void> {
    const mine = { cancel: (): void => {}, changed: false };
    turn = mine;
    if ((await waiting()) === 0 || stopped) {
      turn = undefined;
      // Something may have come after it was looked at.
      if (mine.changed && !stopped) void takeTurn();
      return;
    }
    // What changed while Redis answered may have come before its answer: then it is looked at again.
    mine.cancel = clock.after(random.float() * turnMs * servers, () => {
      turn = undefined;
      if (mine.changed) void takeTurn();
      else look();
    });
  }

  return {
    name: "waker",
    start() {},
    changed(text) {
      if (stopped || !concerns(text)) return;
      if (turn !== undefined) turn.changed = true;
      else if (servers <= fewServers) look();
      else void takeTurn();
    },
    rests(watching) {
      // Another server was quicker, or the queue is paused: it is good to know.
      if (woken && watching) void waiting();
      woken = false;
      if (watching) return watchedRestMs * (0.5 + random.float() / 2);
      return taskCheckIntervalMs / 2 + random.float() * taskCheckIntervalMs;
    },
    async stop() {
      stopped = true;
      turn?.cancel();
    },
  };
}
