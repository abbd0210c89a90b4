import { type Redis, SearchIndex, VectorIndex } from "@upstash/redis";

/** What these objects have for themselves: private to TypeScript, though not to JavaScript. */
const innards = new Set([
  ...["Pipeline.chain", "Script.init", "Script.digest", "ScriptRO.init", "ScriptRO.digest", "BitField.chain", "BitField.execOperation"],
  ...["Subscriber.subscribeToChannel", "Subscriber.subscribeToPattern", "Subscriber.handleMessage", "Subscriber.dispatchToListeners"],
]);

/** The names of all methods that `@upstash/redis` exports, by looking: of `Redis`, what hangs on it, and what its methods hand out. */
export function methodsOfUpstash(redis: Redis): string[] {
  const pipeline = redis.pipeline();
  const { alias, ...search } = redis.search;
  const subscriber = redis.subscribe([]);
  return [
    ...namesOf(redis),
    ...namesOf(pipeline).map((name) => (name in redis && name !== "exec" ? name : `Pipeline.${name}`)),
    ...namesOf(redis.json, "json."),
    ...namesOf(pipeline.json, "json."),
    ...namesOf(redis.functions, "functions."),
    ...namesOf(pipeline.functions, "functions."),
    ...namesOf(search, "search."),
    ...namesOf(alias, "search.alias."),
    ...namesOf(redis.vector, "vector."),
    ...namesOf(SearchIndex.prototype, "SearchIndex."),
    ...namesOf(VectorIndex.prototype, "VectorIndex."),
    ...namesOf(redis.createScript("return 1"), "Script."),
    ...namesOf(redis.createScript("return 1", { readonly: true }), "ScriptRO."),
    ...namesOf(redis.bitfield("k"), "BitField."),
    ...namesOf(subscriber, "Subscriber."),
  ].filter((name, i, all) => !innards.has(name) && all.indexOf(name) === i);
}

/** The functions of an object and its classes, but for what the language and the runtime give to all. */
function namesOf(object: object, prefix = ""): string[] {
  const names: string[] = [];
  for (let at = object; at !== Object.prototype && at !== EventTarget.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && name !== "constructor") names.push(prefix + name);
    }
  }
  return names;
}
