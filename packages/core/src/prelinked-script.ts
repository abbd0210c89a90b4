import type { BoundScript } from "./script.ts";

/** A script's text put together beforehand: how it reads bytes under either codec, what follows, and its hashes. */
export interface LinkedText {
  readonly json: string;
  readonly raw: string;
  readonly body: string;
  readonly jsonSha: string;
  readonly rawSha: string;
}

/** A script that was linked beforehand: for what ships to the edge, where the linker and the hashing would weigh more than the script. */
export function prelinkedScript<R>(
  names: Pick<BoundScript<R>["script"], "name" | "effect" | "decode">,
  { json, raw, body, jsonSha, rawSha }: LinkedText,
): BoundScript<R>["script"] {
  return {
    ...names,
    text(codec) {
      return (codec === "json" ? json : raw) + body;
    },
    sha(codec) {
      return codec === "json" ? jsonSha : rawSha;
    },
  };
}
