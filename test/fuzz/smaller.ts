/** Bytes with a piece left out, from halves down to single ones. */
export function* smallerBytes(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let size = 2 ** Math.floor(Math.log2(bytes.length)); size >= 1; size /= 2)
    for (let at = 0; at < bytes.length; at += size) yield Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
}

/** Takes what is smaller and still fails, again and again, until nothing is or the time is over. */
export async function smallest<Input>(
  input: Input,
  smaller: (input: Input) => Iterable<Input>,
  fails: (input: Input) => Promise<boolean>,
): Promise<Input> {
  const untilMs = performance.now() + 60_000;
  let least = input;
  for (let found = true; found; ) {
    found = false;
    for (const candidate of smaller(least)) {
      if (performance.now() > untilMs) return least;
      if (!(await fails(candidate))) continue;
      least = candidate;
      found = true;
      break;
    }
  }
  return least;
}
