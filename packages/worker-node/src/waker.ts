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
  let servers = 1;
  /** It was woken and has not rested since. */
  let woken = false;
  let turn: { readonly cancel: () => void; changed: boolean } | undefined;
  let stopped = false;

  function concerns(text: string): boolean {
    return names.some((queue) => text.includes(pendingKey(queue)) || text.includes(pausedKey(queue)));
  }

  function look(): void {
    woken = true;
    wake();
  }

  /** Answers how many tasks wait, and learns how many servers there are; where Redis does not answer it is as if there were one. */
  async function waiting(): Promise<number> {
    try {
      const answers = await redis.send([...names.map((queue) => ["LLEN", pendingKey(queue)]), ["ZCARD", allServers]], {
        timeoutMs: lookTimeoutMs,
      });
      const counts = answers.map(({ reply }) => Number(reply ?? 0));
      servers = counts.pop()!;
      return counts.reduce((sum, count) => sum + count, 0);
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
      if (stopped || (text !== undefined && !concerns(text))) return;
      if (turn !== undefined) turn.changed = true;
      else if (servers <= fewServers) look();
      else void takeTurn();
    },
    rests(watching) {
      // Another server was quicker: it is good to know how many there are.
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
