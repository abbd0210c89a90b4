/** Where fields begin and end, as far as the bytes are such as our encoder writes; 0 among them. */
export function fieldBounds(bytes: Uint8Array): number[] {
  const bounds = [0];
  for (let at = 0; at < bytes.length; ) {
    const wireType = bytes[at++]! & 7;
    if (wireType === 0) {
      while (bytes[at]! > 127) at++;
      at++;
    } else if (wireType === 2) {
      const first = bytes[at++]!;
      const length = first < 128 ? first : (first & 127) + bytes[at++]! * 128;
      at += length;
    } else break;
    if (at <= bytes.length) bounds.push(at);
  }
  return bounds;
}
