import type { Broker } from "../broker.ts";
import { queueKeyKinds, stateContainers } from "../containers.ts";
import { queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { splitCalls } from "../split-calls.ts";
import { decodeText } from "../verdicts.ts";
import type { Report } from "./finding.ts";
import { GroupHomes } from "./group-homes.ts";
import { type ActiveSuspect, judgeCounters, judgeGroupKey, judgeKind, judgeLock, judgeRegistered, judgeSuspects } from "./judge-queue.ts";
import { counterKey } from "./judge-snapshot.ts";
import { crashes, type Home, judgeTask, tells } from "./judge-task.ts";
import { type ListName, readList } from "./list-ids.ts";
import { listStrays } from "./list-strays.ts";
import { lookAtGroups } from "./look-at-groups.ts";
import { lookAtLocks } from "./look-at-locks.ts";
import { lookAtTasks, type WantedTask } from "./look-at-tasks.ts";
import type { QueueState } from "./queue-state.ts";

export interface PartOptions extends SendOptions {
  /** What was due before should have been taken on. */
  readonly dueBeforeSec?: number | undefined;
  /** How long a list may be for Redis to look for each id in it; of a longer one all ids are read. Default 500. */
  readonly listMax?: number | undefined;
}

/** A call looks at so many keys. */
const perCall = { items: 100, bytes: Number.POSITIVE_INFINITY };

/** One queue that is judged part by part. Of all it has read it keeps the ids in long lists, the counters and the suspects. */
export class QueueParts {
  readonly queue: string;
  tasks = 0;
  holdsTasks = false;
  readonly #broker: Broker;
  readonly #report: Report;
  readonly #options: PartOptions;
  readonly #lists = new Map<ListName, ReturnType<typeof readList>>();
  readonly #counters = new Map<string, string>();
  readonly #suspects = new Map<string, ActiveSuspect>();
  readonly #active = new Set<string>();
  readonly #groupHomes = new GroupHomes();
  #paused = false;
  #ended = false;

  constructor(broker: Broker, queue: string, report: Report, options: PartOptions) {
    this.queue = queue;
    this.#broker = broker;
    this.#report = report;
    this.#options = options;
  }

  async judgeTasks(wanted: readonly WantedTask[]): Promise<void> {
    if (wanted.length > 0) this.holdsTasks = true;
    const { listMax = 500, dueBeforeSec } = this.#options;
    const lists = { listMax, readList: (list: ListName) => this.#readList(list) };
    for (const some of splitCalls(wanted, perCall, () => 0)) {
      for (const facts of await lookAtTasks(this.#broker, this.queue, some, lists, this.#options)) {
        const { id, hash, homes, lease } = facts;
        // Gone by now.
        if (hash === undefined && homes.length === 0 && lease === undefined) continue;
        if (!this.#ended && typeof hash === "object" && hash.state === "aggregating" && !homes.some((home) => tells(hash, home))) {
          this.#groupHomes.addHomeless(id, hash.group, homes);
          continue;
        }
        const message = judgeTask(this.queue, facts, this.#report, dueBeforeSec);
        if (homes.some(({ state }) => state === "active")) this.#active.add(id);
        if (lease !== undefined && message !== undefined && typeof hash === "object" && crashes(hash.recovered, message.retried) > 0)
          this.#suspects.set(id, { id, lease });
      }
    }
  }

  async judgeLocks(rests: readonly string[]): Promise<void> {
    for (const some of splitCalls(rests, perCall, () => 0)) {
      for (const { rest, kind, ...holder } of await lookAtLocks(this.#broker, this.queue, some, this.#options)) {
        if (!judgeKind(this.queue, rest, kind, "string", this.#report)) continue;
        judgeLock(this.queue, queuePrefix(this.queue) + rest, holder, this.#report);
      }
    }
  }

  /** Judges keys `g:…` and answers where the ids in them stand, and, where that is known, which do not belong there. */
  async judgeGroups(names: readonly string[]): Promise<{ readonly home: Home; readonly strays: readonly string[] | undefined }[]> {
    if (names.length > 0) this.holdsTasks = true;
    const homes: { readonly home: Home; readonly strays: readonly string[] | undefined }[] = [];
    for (const some of splitCalls(names, perCall, () => 0)) {
      for (const looked of await lookAtGroups(this.#broker, this.queue, some, this.#options)) {
        if (!judgeKind(this.queue, `g:${looked.name}`, looked.kind, "zset", this.#report)) continue;
        const group = judgeGroupKey(this.queue, looked, this.#report);
        const home = { key: `${queuePrefix(this.queue)}g:${looked.name}`, state: "aggregating", group };
        homes.push({ home, strays: looked.walked?.group === group ? looked.walked.strays : undefined });
        if (!looked.inGroups && !looked.inSets) this.#groupHomes.addUnindexed(home);
      }
    }
    return homes;
  }

  /** Judges a key that every queue may have, such as `pending`, `groups` or `failed`; answers where ids in it stand. */
  async judgeKey(rest: string): Promise<Home | undefined> {
    if (rest === "paused") this.#paused = true;
    const expected = counterKey.test(rest) ? "string" : Object.hasOwn(queueKeyKinds, rest) ? queueKeyKinds[rest]! : undefined;
    if (expected === undefined) return undefined;
    const key = queuePrefix(this.queue) + rest;
    const [kind] = await sendPlain(this.#broker.redis, [["TYPE", key]], this.#options);
    const is = decodeText(kind!);
    if (is === "none" || !judgeKind(this.queue, rest, is, expected, this.#report)) return undefined;
    if (expected === "string") await this.#readCounters(rest);
    if (rest === "lease") return { key, state: "active" };
    return Object.hasOwn(stateContainers, rest) ? { key, state: rest } : undefined;
  }

  /** Judges the ids in a container that do not seem to belong there. */
  async walk(home: Home): Promise<void> {
    for await (const ids of listStrays(this.#broker, this.queue, home, this.#options)) await this.judgeStrays(home, ids);
  }

  /** Judges ids that were seen in a container. */
  async judgeStrays(home: Home, ids: readonly string[]): Promise<void> {
    const beside = home.group === undefined ? [] : [home];
    await this.judgeTasks(ids.map((id) => ({ id, beside })));
  }

  /** Judges what needs all parts. */
  async end(isRegistered: boolean): Promise<QueueState> {
    const { queue, tasks } = this;
    this.#ended = true;
    await this.judgeTasks(this.#groupHomes.found());
    judgeSuspects(queue, [...this.#suspects.values()], this.#report);
    judgeCounters(queue, this.#counters, this.#report);
    judgeRegistered(queue, isRegistered, this.holdsTasks, this.#report);
    return { queue, tasks, paused: this.#paused, active: [...this.#active], counters: this.#counters };
  }

  /** A counter and, at the same moment, those it is judged by. */
  async #readCounters(rest: string): Promise<void> {
    const processed = rest.replace("failed", "processed");
    const rests = [...new Set([rest, processed, ...[rest, processed].map((name) => name.split(":")[0]!)])];
    const [counts] = await sendPlain(this.#broker.redis, [["MGET", ...rests.map((name) => queuePrefix(this.queue) + name)]], this.#options);
    for (const [i, count] of (counts as readonly (Uint8Array | null)[]).entries())
      if (count !== null) this.#counters.set(rests[i]!, decodeText(count));
  }

  #readList(list: ListName): ReturnType<typeof readList> {
    const known = this.#lists.get(list) ?? readList(this.#broker, this.queue, list, this.#options);
    this.#lists.set(list, known);
    return known;
  }
}
