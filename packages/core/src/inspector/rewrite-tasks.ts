import type { Broker } from "../broker.ts";
import { hex } from "../hex.ts";
import type { MarkedBytes, SendOptions } from "../redis.ts";
import { type BoundScript, run } from "../script.ts";
import { splitCalls } from "../split-calls.ts";
import { getTasks } from "./get-tasks.ts";
import type { TaskVerdict, VerbReply } from "./task-verbs.ts";

/** A message that is to take the place of the one that was read. */
export type Rewritten<More = unknown> = More & {
  readonly id: string;
  /** The SHA-1 of what was read: another is not overwritten. */
  readonly seen: string;
  readonly msg: MarkedBytes;
};

const maxPerCall = { items: 100, bytes: 1024 * 1024 };
/** So often a message is read again that changed between being read and being written. */
const maxTries = 5;

/**
 * Reads tasks, changes their messages, and has each written only if nobody wrote another meanwhile; else it is read again. One verdict each, in
 * order.
 */
export async function rewriteTasks<More>(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  rewrite: (msg: Uint8Array, nth: number) => More & { readonly msg: MarkedBytes },
  call: (items: readonly Rewritten<More>[]) => BoundScript<VerbReply>,
  options: SendOptions,
): Promise<TaskVerdict[]> {
  const verdicts: TaskVerdict[] = ids.map(() => "changed");
  let left = ids.map((id, nth) => ({ id, nth }));
  for (let tries = 0; left.length > 0 && tries < maxTries; tries++) {
    const got = await getTasks(
      broker,
      queue,
      left.map(({ id }) => id),
      options,
    );
    const items: (Rewritten<More> & { readonly nth: number })[] = [];
    for (const [i, { id, nth }] of left.entries()) {
      const found = got[i];
      if (found?.raw.msg === undefined) verdicts[nth] = "not-found";
      else if (found.error !== undefined) verdicts[nth] = "unreadable";
      else items.push({ ...rewrite(found.raw.msg, nth), id, nth, seen: await sha1Of(found.raw.msg) });
    }
    left = [];
    for (const some of splitCalls(items, maxPerCall, ({ msg }) => msg.bytes.length)) {
      const reply = await run(broker, call(some), options);
      for (const [i, { id, nth }] of some.entries()) {
        verdicts[nth] = reply.verdicts[i] as TaskVerdict;
        if (verdicts[nth] === "changed") left.push({ id, nth });
      }
    }
  }
  return verdicts;
}

async function sha1Of(bytes: Uint8Array): Promise<string> {
  // Copied: the client may have read it into memory that it shares.
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-1", new Uint8Array(bytes))));
}
