import type { StoredTask, TaskFilter } from "@asynqjs/core/inspector";

/** What a search is made of, as it is told while one types. */
export const searchHint = "id:… type:mail:* error:… user.id=42, or any text";

/**
 * What the typed words mean: `id:`, `type:` and `error:` ask for those, `field=value` for a field of a payload that is JSON, and any other word
 * has to stand somewhere in the task. All have to hold.
 */
export function readSearch(typed: string): { readonly filter: TaskFilter; readonly why?: never } | { readonly why: string } {
  const filter: { -readonly [Key in keyof TaskFilter]: TaskFilter[Key] } = {};
  const anywhere: string[] = [];
  for (const word of typed.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []) {
    const [, name, rest = ""] = /^(id|type|error):(.*)$/s.exec(word) ?? [];
    const [, field, value] = /^([\w$-]+(?:\.[\w$-]+)*)=(.*)$/s.exec(word) ?? [];
    if (name === "id" || name === "type" || name === "error") {
      const text = unquote(rest);
      if (text === "") return { why: `${name}: what is looked for has to follow it` };
      filter[name] = text;
    } else if (field !== undefined) {
      if (filter.payload !== undefined) return { why: "one field of the payload can be asked for, not two" };
      filter.payload = { field, equals: readValue(value!) };
    } else {
      anywhere.push(unquote(word).toLowerCase());
    }
  }
  if (anywhere.length > 0) filter.where = (task) => anywhere.every((text) => textsOf(task).some((has) => has.toLowerCase().includes(text)));
  return Object.keys(filter).length === 0 ? { why: searchHint } : { filter };
}

function unquote(text: string): string {
  return text.replaceAll('"', "");
}

/** `42`, `true`, `"42"` as JSON has them; what is no JSON is text. */
function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return unquote(text);
  }
}

function textsOf({ id, type, lastErr, payload }: StoredTask): string[] {
  return [id, type, lastErr ?? "", new TextDecoder().decode(payload)];
}
