import {
  type Clock,
  demand,
  encodeText,
  isSecret,
  mergeOptions,
  type Random,
  systemClock,
  systemRandom,
  type Task,
  uuid,
} from "@asynqjs/core";
import type { EnqueueItem } from "../client.ts";
import { digestOf, signatureHeader, signatureOf, timestampHeader } from "./signature.ts";

export interface SignOptions {
  /** The secret that the endpoint knows, of at least 16 characters. It does not leave. */
  readonly secret: string;
  /** What the ids begin with that are drawn for tasks without one, where the endpoint says what ids this caller may give. Default: nothing. */
  readonly taskIdPrefix?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/**
 * Makes a signed request to an endpoint of `@asynqjs/client-edge/hono`, ready for `fetch`, of one task or several. It is taken for five minutes.
 *
 * A task without an id is given one: so a request that is sent again, by you who got no answer (`fetch(request.clone())`) or by one who saw it
 * pass, makes no second task as long as the first is in the queue.
 * @throws {InvalidOptionError} a secret that is too short, no task
 */
export async function signEnqueueRequest(
  url: string | URL,
  items: EnqueueItem | readonly EnqueueItem[],
  { secret, taskIdPrefix = "", clock = systemClock, random = systemRandom }: SignOptions,
): Promise<Request> {
  demand(isSecret(secret), "secret", "expected at least 16 characters");
  const told = [items].flat().map((item) => tellTask(item as EnqueueItem, () => taskIdPrefix + uuid(random)));
  demand(told.length > 0, "items", "expected at least one task");
  const body = encodeText(JSON.stringify(Array.isArray(items) ? { tasks: told } : told[0]));
  const timestamp = `${Math.floor(clock.nowMs() / 1000)}`;
  const signature = await signatureOf(secret, timestamp, await digestOf(body));
  return new Request(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", [timestampHeader]: timestamp, [signatureHeader]: signature },
    body,
    // What is signed is for this url: a redirect is answered to the caller, and not followed.
    redirect: "manual",
  });
}

function tellTask(item: EnqueueItem, makeId: () => string): object {
  const { task, options = {} } = "task" in Object(item) ? (item as { task: Task; options?: Task["options"] }) : { task: item as Task };
  demand(typeof task?.type === "string", "items", "expected tasks");
  const merged = mergeOptions(task.options, options);
  return { type: task.type, ...tellPayload(task.payload), options: { ...merged, taskId: merged.taskId ?? makeId() } };
}

/** Text as text, which anybody can read; other bytes in base64. */
function tellPayload(payload: Uint8Array | undefined): object {
  if (payload === undefined) return {};
  try {
    return { payload: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload) };
  } catch {
    let binary = "";
    for (const byte of payload) binary += String.fromCharCode(byte);
    return { payloadBase64: btoa(binary) };
  }
}
