import { type RawField, splitFields } from "../../support/wire/split-fields.ts";
import { shown } from "./difference-parts.ts";
import type { Difference } from "./differences.ts";
import type { Slack } from "./slack.ts";

const errorField = 7;
const timeFields = [11, 13];
const headerField = 15;

/** Messages, byte for byte; but for times, for headers, which Go writes in any order, and for where in its source a handler panicked. */
export function compareMessages(key: string, go: string, ours: string, slack: Slack): Difference[] {
  const whole: Difference = { key, part: "field", name: "msg", go, ours };
  let split: [RawField[], RawField[]];
  try {
    split = [splitFields(Buffer.from(go, "latin1")), splitFields(Buffer.from(ours, "latin1"))];
  } catch {
    return [whole];
  }
  const [fieldsOfGo, fieldsOfOurs] = split.map(byNumber) as [Map<number, RawField[]>, Map<number, RawField[]>];
  const differences = [...new Set([...fieldsOfGo.keys(), ...fieldsOfOurs.keys()])].flatMap((field): Difference[] => {
    const [ofGo, ofOurs] = [fieldsOfGo, fieldsOfOurs].map((fields) => {
      const text = shown(fields.get(field));
      return field === errorField ? text?.replace(/^(panic error cause by: )?panic \[[^\]]*:\d+\]: /, "") : text;
    });
    const isNear = timeFields.includes(field) && ofGo !== undefined && Math.abs(Number(ofGo) - Number(ofOurs)) <= slack.sec;
    return ofGo === ofOurs || isNear ? [] : [{ key, part: "message", name: "msg", field, go: ofGo, ours: ofOurs }];
  });
  const isByteEqual = steadyBytes(split[0]) === steadyBytes(split[1]);
  return differences.length > 0 || isByteEqual ? differences : [whole];
}

/** The fields in their order, with their bytes but where those may differ. */
function steadyBytes(fields: readonly RawField[]): string {
  const headers = fields.flatMap(({ field, raw }) => (field === headerField ? [raw.toString("latin1")] : []));
  const others = fields.flatMap(({ field, raw }) => {
    if (field === headerField) return [];
    return [[errorField, ...timeFields].includes(field) ? `<${field}>` : raw.toString("latin1")];
  });
  return [...others, ...headers.sort()].join("");
}

function byNumber(fields: readonly RawField[]): Map<number, RawField[]> {
  const numbered = new Map<number, RawField[]>();
  for (const one of fields) numbered.set(one.field, [...(numbered.get(one.field) ?? []), one]);
  return numbered;
}

/** What a server tells of itself but its process, its id, when it started, and of how many tasks its last beat knew. */
export function steadyRecord(record: string): string {
  const fields = splitFields(Buffer.from(record, "latin1")).filter(({ field }) => ![2, 3, 8, 9].includes(field));
  return fields
    .map(({ raw }) => raw.toString("latin1"))
    .sort()
    .join("");
}

/** What servers tell of a task, but their process, their id and the times. */
export function compareWorkers(key: string, name: string, go: string, ours: string): Difference[] {
  const [ofGo, ofOurs] = [go, ours].map((record) => byNumber(splitFields(Buffer.from(record, "latin1")))) as [
    Map<number, RawField[]>,
    Map<number, RawField[]>,
  ];
  return [1, 4, 5, 6, 7].flatMap((field): Difference[] => {
    const [one, other] = [shown(ofGo.get(field)), shown(ofOurs.get(field))];
    return one === other ? [] : [{ key, part: "message", name, field, go: one, ours: other }];
  });
}
