import { crash, type DirectedHistories, enqueue, key, pass, play, queue, recoverAndForward, session, task, until, work } from "./parts.ts";

export const ofLostWorkers: DirectedHistories = {
  async Quarantine({ lane }) {
    await play(lane, enqueue(task("ok")));
    await lane.both("HSET", key(`t:${lane.nameOf("a", queue)}`), "msg", Buffer.from([0xff]));
    const fetchInGo = async (): Promise<void> => {
      await lane.peers.go.startSession(session);
      await until(() => lane.go.database.redis.exists(key("active")));
      await lane.peers.go.endSession();
    };
    await lane.step("fetch", fetchInGo, () => lane.workAlone("ours"));
  },
  async "Crash count"(given) {
    await play(given.lane, enqueue(task("ok", "a", {}, "hang")));
    await crash(given, 1);
    await play(given.lane, pass(100), work(), pass(100), work());
  },
  async "Crash is no failure"(given) {
    await play(given.lane, enqueue(task("ok", "a", {}, "hang")));
    for (let crashes = 0; crashes < 2; crashes++) {
      await crash(given, 1);
      await recoverAndForward(given.lane);
    }
    await crash(given, 1);
    await play(given.lane, pass(100), work());
  },
  async Suspects(given) {
    await play(given.lane, enqueue(...["a", "b", "c"].map((id) => task("ok", id, {}, "hang"))));
    await crash(given, 3);
    await recoverAndForward(given.lane);
    await crash(given, 3);
  },
  async "Handed back"({ lane }) {
    lane.ours.settings = { handBackUnknown: true };
    await play(lane, enqueue(task("unknown")), work());
    lane.ours.settings = {};
    await play(lane, pass(100), work());
  },
  async "Requeued tasks keep their age"({ lane }) {
    await play(lane, enqueue(task("hold", "hold")), work({ whileHeld: "shut-down" }), pass(100), work());
  },
};
