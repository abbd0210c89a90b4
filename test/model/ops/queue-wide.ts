/** What is done to queues and to what was set aside. @module */
import { deleteQuarantined, pauseQueue, releaseQuarantined, unpauseQueue } from "@asynqjs/core";
import fc from "fast-check";
import { ask, Refusal, type Steps, Thrown, unrecorded } from "../call.ts";
import { layoutOf, secOf } from "../layout.ts";
import type { OperationKind } from "../operation.ts";
import { leaveQuarantine } from "../verbs/quarantine.ts";
import { ids, queues } from "./new-task.ts";

export const pauseKind: OperationKind<{ by: number; queue: number; on: boolean }> = {
  name: "pause",
  weight: 2,
  args: fc.record({ by: fc.nat(3), queue: fc.nat(1), on: fc.boolean() }),
  prepare({ by, queue: nth, on }, { actors }) {
    const actor = actors[by]!;
    const queue = queues[nth]!;
    const { paused } = layoutOf(queue);
    return {
      text: `${actor.name} ${on ? "pauses" : "unpauses"} ${queue}`,
      moves: [],
      run: () => (on ? pauseQueue(actor.broker, queue) : unpauseQueue(actor.broker, queue)),
      *steps(): Steps {
        const { nowMs } = actor;
        yield* ask({
          name: on ? "SETNX" : "DEL",
          apply(k) {
            if (!on) k.drop(paused);
            else if (!k.has(paused)) k.setText(paused, String(secOf(nowMs)));
            return unrecorded(undefined);
          },
        });
        return undefined;
      },
    };
  },
};

export const quarantineKind: OperationKind<{ by: number; queue: number; some: number[]; release: boolean }> = {
  name: "quarantine",
  weight: 3,
  args: fc.record({ by: fc.nat(3), queue: fc.nat(1), some: fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }), release: fc.boolean() }),
  prepare({ by, queue: nth, some, release }, { actors }) {
    const actor = actors[by]!;
    const queue = queues[nth]!;
    const picked = some.map((id) => ids[id]!);
    return {
      text: `${actor.name} ${release ? "releases" : "deletes"} ${picked.join(", ")} of the quarantine of ${queue}`,
      moves: ["releaseQuarantined", "deleteQuarantined"],
      run: () => (release ? releaseQuarantined : deleteQuarantined)(actor.broker, queue, picked),
      *steps(): Steps {
        const { nowMs } = actor;
        const answer = yield* ask({
          name: "leave-quarantine",
          apply: (k) => leaveQuarantine(k, queue, picked, release ? "pending" : "gone", nowMs),
        });
        return answer instanceof Refusal ? new Thrown(answer.reply) : answer;
      },
    };
  },
};
