import type { Broker } from "../broker.ts";
import type { SendOptions } from "../redis.ts";
import { readClaims } from "./read-claims.ts";
import { sealClaims } from "./seal-claims.ts";

/**
 * Makes the claim of an entry that is about to come to a queue, sealed: it is opened when the entry is there. One that is there already stays
 * as it is. Answers its epoch; that of the entry is to be higher.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 */
export async function readyClaim(
  broker: Broker,
  { id, queue }: { readonly id: string; readonly queue: string },
  options: SendOptions = {},
): Promise<number> {
  const [sealed] = await sealClaims(broker, { id, epoch: 0 }, [queue], options);
  if (sealed!.error) throw sealed!.error;
  const [read] = await readClaims(broker, [{ id, queue }], options);
  if (read!.error) throw read!.error;
  return read!.value?.epoch ?? 0;
}
