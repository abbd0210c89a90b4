import type { Redis } from "@upstash/redis";
import { expect } from "vitest";

/** What is no command of its own, by all the methods that it shows at work. */
export const objects: Readonly<Record<string, (redis: Redis) => Promise<void>>> = {
  "pipeline, Pipeline.exec, Pipeline.length": async (redis) => {
    const pipeline = redis.pipeline().set("k", "a").incr("k").get("k");
    expect(pipeline.length()).toBe(3);
    const results = await pipeline.exec({ keepErrors: true });
    expect(results.map(({ result, error }) => error ?? result)).toEqual(["OK", expect.stringMatching(/^ERR value is not an integer/), "a"]);
  },
  multi: async (redis) => {
    expect(await redis.multi().set("k", "a").get("k").exec()).toEqual(["OK", "a"]);
  },
  autoPipeline: async (redis) => {
    const automatic = (redis as unknown as { autoPipeline(): Redis }).autoPipeline();
    const values = await Promise.all(Array.from({ length: 50 }, () => automatic.incrby("k", 1)));
    expect(values).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  },
  use: async (redis) => {
    const asked: unknown[] = [];
    redis.use((request, next) => {
      asked.push(request.body);
      return next(request);
    });
    await redis.set("k", "a");
    expect(asked).toEqual([["set", "k", "a"]]);
  },
  addTelemetry: async (redis) => {
    (redis as unknown as { addTelemetry(of: object): void }).addTelemetry({ runtime: "node@26", platform: "test", sdk: "test@1" });
    expect(await redis.ping()).toBe("PONG");
  },
  "createScript, Script.eval, Script.evalsha, Script.exec": async (redis) => {
    const script = redis.createScript<string>("return 'v' .. ARGV[1]");
    await expect(script.evalsha([], ["0"])).rejects.toThrow(/NOSCRIPT/);
    expect([await script.exec([], ["1"]), await script.evalsha([], ["2"]), await script.eval([], ["3"])]).toEqual(["v1", "v2", "v3"]);
  },
  "ScriptRO.evalRo, ScriptRO.evalshaRo, ScriptRO.exec": async (redis) => {
    const script = redis.createScript<string, true>("return 'r' .. ARGV[1]", { readonly: true });
    await expect(script.evalshaRo([], ["0"])).rejects.toThrow(/NOSCRIPT/);
    expect([await script.exec([], ["1"]), await script.evalshaRo([], ["2"]), await script.evalRo([], ["3"])]).toEqual(["r1", "r2", "r3"]);
  },
  "bitfield, BitField.get, BitField.set, BitField.incrby, BitField.overflow, BitField.exec": async (redis) => {
    const calls = redis.bitfield("k").set("u4", 0, 14).overflow("FAIL").incrby("u4", 0, 2).get("u4", 0);
    expect(await calls.exec()).toEqual([0, null, 14]);
  },
  "subscribe, Subscriber.on, Subscriber.getSubscribedChannels, Subscriber.unsubscribe": async (redis) => {
    const subscriber = redis.subscribe<{ n: number }>(["a", "b"]);
    await new Promise((resolve) => subscriber.on("subscribe", resolve));
    const heard = new Promise((resolve) => subscriber.on("message:a", resolve));
    await expect.poll(() => redis.publish("a", { n: 1 })).toBe(1);
    expect(await heard).toEqual({ channel: "a", message: { n: 1 } });
    expect(subscriber.getSubscribedChannels()).toEqual(["a", "b"]);
    await subscriber.unsubscribe();
    await expect.poll(() => redis.publish("a", "x")).toBe(0);
  },
  "psubscribe, Subscriber.removeAllListeners": async (redis) => {
    const subscriber = redis.psubscribe(["a*"]);
    await new Promise((resolve) => subscriber.on("psubscribe", resolve));
    const heard = new Promise((resolve) => subscriber.on("pmessage", resolve));
    await redis.publish("ab", "text, with a comma");
    await redis.publish("ab", { n: 1 });
    expect(await heard).toEqual({ pattern: "a*", channel: "ab", message: { n: 1 } });
    subscriber.removeAllListeners();
    await subscriber.unsubscribe();
    await expect.poll(() => redis.publish("ab", "x")).toBe(0);
  },
};
