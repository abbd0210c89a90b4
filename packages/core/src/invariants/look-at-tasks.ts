import type { Broker } from "../broker.ts";
import { type StateContainer, stateContainers } from "../containers.ts";
import { pendingKey, queuePrefix } from "../keys.ts";
import { setGroup } from "../lua/set-group.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeText } from "../verdicts.ts";
import type { Home, TaskFacts } from "./judge-task.ts";
import type { ListName } from "./list-ids.ts";
import { judgedFields, readHash } from "./read-queue.ts";

/** An id to be looked at. */
export interface WantedTask {
  readonly id: string;
  /** Groups and sets where it may stand as well. */
  readonly beside?: readonly Home[] | undefined;
}

const zsets = ["lease", ...Object.keys(stateContainers).filter((name) => stateContainers[name as StateContainer] === "zset")];

/** A call looks at no more ids once it has read so many bytes of messages. */
const maxBytes = 1_048_576;

export const lookAtTasksScript = defineScript({
  name: "look-at-tasks",
  effect: "read",
  keys: ["pending"],
  args: { prefix: "text", list_max: "text", bytes_max: "text" },
  each: { id: "text", beside: "text" },
  lua: /* lua */ `
    ${setGroup}
    local function is(kind, rest) return redis.call("TYPE", prefix .. rest).ok == kind end
    local zsets = {}
    for _, rest in ipairs({ ${zsets.map((name) => `"${name}"`).join(", ")} }) do
      if is("zset", rest) then zsets[#zsets + 1] = prefix .. rest end
    end
    local has_list = { pending = is("list", "pending"), active = is("list", "active") }
    local is_short = {}
    for list, is_there in pairs(has_list) do is_short[list] = is_there and redis.call("LLEN", prefix .. list) <= tonumber(list_max) end
    local function count_in(list, id)
      if not has_list[list] then return 0 end
      return is_short[list] and #redis.call("LPOS", prefix .. list, id, "COUNT", 0) or -1
    end
    local sets_of
    local function sets_in(group)
      if not sets_of then
        sets_of = {}
        for _, rest in ipairs({ "aggregation_sets", "js:aggregated" }) do
          for _, set_key in ipairs(is("zset", rest) and redis.call("ZRANGE", prefix .. rest, 0, -1) or {}) do
            local of = set_group(set_key) or ""
            sets_of[of] = sets_of[of] or {}
            table.insert(sets_of[of], set_key)
          end
        end
      end
      return sets_of[group] or {}
    end

    local reply, bytes_left = {}, tonumber(bytes_max)
    for_each_item(id, beside) do
      if bytes_left < 0 then break end
      local task = prefix .. "t:" .. id
      local fields = redis.pcall("HMGET", task, ${judgedFields.map((field) => `"${field}"`).join(", ")})
      if fields.err then fields = 0
      elseif redis.call("EXISTS", task) == 0 then fields = false
      else bytes_left = bytes_left - (fields[1] and #fields[1] or 0)
      end
      local places, looked = {}, {}
      local function look_in(key)
        local score = not looked[key] and redis.pcall("ZSCORE", key, id)
        looked[key] = true
        if type(score) == "string" then
          places[#places + 1] = key
          places[#places + 1] = score
        end
      end
      for _, zset in ipairs(zsets) do look_in(zset) end
      local group = fields and fields ~= 0 and fields[3] and fields[3] ~= "" and fields[3]
      if group then
        look_in(prefix .. "g:" .. group)
        for _, set_key in ipairs(sets_in(group)) do look_in(set_key) end
      end
      if beside ~= "" then
        for _, key in ipairs(cjson.decode(beside)) do look_in(key) end
      end
      reply[item] = { fields, places, count_in("pending", id), count_in("active", id) }
    end
    return reply
  `,
  decode: (reply) => reply as readonly (readonly [Reply, readonly Reply[], number, number])[],
});

/**
 * Looks at up to 100 ids wherever they may stand, each at one moment but for the lists that are longer than `listMax`, which `readList`
 * reads. Reads only.
 * @throws {RedisError}
 */
export async function lookAtTasks(
  broker: Broker,
  queue: string,
  wanted: readonly WantedTask[],
  { listMax, readList }: { readonly listMax: number; readonly readList: (list: ListName) => Promise<(id: string) => number> },
  options: SendOptions,
): Promise<TaskFacts[]> {
  const prefix = queuePrefix(queue);
  const looks: TaskFacts[] = [];
  while (looks.length < wanted.length) {
    const some = wanted.slice(looks.length);
    const items = some.map(({ id, beside = [] }) => ({
      id,
      beside: beside.length === 0 ? "" : JSON.stringify(beside.map(({ key }) => key)),
    }));
    const args = { prefix, list_max: listMax, bytes_max: maxBytes };
    const answers = await run(broker, bind(lookAtTasksScript, { queue, keys: { pending: pendingKey(queue) }, args, items }), options);
    for (const [i, [fields, places, ...counts]] of answers.entries()) {
      const { id, beside = [] } = some[i]!;
      const hash = fields === 0 ? "wrong kind" : fields === null ? undefined : readHash(fields as readonly Reply[]);
      const homes: Home[] = [];
      for (const [nth, state] of (["pending", "active"] as const).entries()) {
        const known = counts[nth]!;
        const count = known >= 0 ? known : (await readList(state))(id);
        for (let n = 0; n < count; n++) homes.push({ key: prefix + state, state });
      }
      let lease: string | undefined;
      for (let n = 0; n < places.length; n += 2) {
        const key = decodeText(places[n]!);
        const score = decodeText(places[n + 1]!);
        const rest = key.slice(prefix.length);
        if (rest === "lease") lease = score;
        else if (!rest.startsWith("g:")) homes.push({ key, state: rest, score });
        else {
          const seen = beside.find((home) => home.key === key);
          const group = seen !== undefined ? seen.group : typeof hash === "object" ? hash.group : undefined;
          homes.push({ key, state: "aggregating", group, score });
        }
      }
      looks.push({ id, hash, homes, lease });
    }
  }
  return looks;
}
