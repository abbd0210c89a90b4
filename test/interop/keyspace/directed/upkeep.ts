import { repair } from "@asynqjs/core";
import { day } from "../moves.ts";
import { crash, type DirectedHistories, enqueue, key, nothing, pass, play, queue, task, work } from "./parts.ts";

export const ofUpkeep: DirectedHistories = {
  async "Trimmed locks"({ lane }) {
    await play(lane, enqueue(task("skip why", "a", { uniqueTtlSec: 100 * day + 50 })), work(), pass(91 * day));
    lane.ours.settings = { janitorIntervalMs: false };
    await play(lane, enqueue(task("skip other", "b")), work());
  },
  async Limits({ lane }) {
    await play(lane, enqueue(task("skip why")), work(), pass(91 * day), work());
  },
  async Repair(given) {
    const { lane } = given;
    await play(lane, enqueue(...Array.from({ length: 100 }, (_, i) => task("ok", `later${i}`, { processInSec: 50_000 }))));
    await play(lane, enqueue(task("ok", "a", {}, "hang")));
    await crash(given, 1);
    await lane.both("DEL", key("lease"));
    await lane.both("HSET", key("t:ghost"), "state", "pending");
    await lane.both("ZREM", key("scheduled"), lane.nameOf("later0", queue));
    const mend = (): Promise<void> => lane.step("repair", nothing, () => repair(lane.ours.broker, { queues: [queue] }));
    await mend();
    await play(lane, pass(100));
    await mend();
  },
};
