import { demand } from "@asynqjs/core";

/**
 * What a caller may name: whole names, or beginnings that end in `*`. There is no other pattern, so that what a list lets through can be
 * seen by reading it.
 */
export type AllowList = readonly string[];

/** Whether a name is on the list. */
export function matches(list: AllowList, name: string): boolean {
  return list.some((allowed) => (allowed.endsWith("*") ? name.startsWith(allowed.slice(0, -1)) : name === allowed));
}

/** @throws {InvalidOptionError} names the option: no list of names, or a `*` that is not at an end */
export function checkAllowList(option: string, list: AllowList): AllowList {
  demand(
    Array.isArray(list) && list.every((allowed) => typeof allowed === "string" && /^[^*]+\*?$|^\*$/s.test(allowed)),
    option,
    "expected a list of names, or of beginnings that end in *",
  );
  return list;
}
