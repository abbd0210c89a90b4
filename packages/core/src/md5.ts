/** How far the rounds turn a sum to the left, four steps each. */
const turns = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

const first = 0x67452301;
const second = 0xefcdab89;

/**
 * The MD5 of bytes, as Asynq's unique keys hold it: WebCrypto has it in workerd alone, and a library's would be a fifth of what a Worker
 * may weigh (docs/decisions/0015). For names, not for secrets.
 * @see RFC 1321
 */
export function md5(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  // The bytes, a one bit, zeros, and the number of bits as 64 of them, in whole blocks of 64 bytes.
  const padded = new Uint8Array(length + 72 - ((length + 8) % 64));
  padded.set(bytes);
  padded[length] = 128;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(length) * 8n, true);

  // The first two of RFC 1321, and their opposites, as it has them.
  let state = [first, second, ~first, ~second];
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d] = state as [number, number, number, number];
    for (let step = 0; step < 64; step++) {
      const round = step >> 4;
      const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round]!;
      const word = [step, 5 * step + 1, 3 * step + 5, 7 * step][round]! % 16;
      const sine = (Math.abs(Math.sin(step + 1)) * 2 ** 32) >>> 0;
      const sum = a + mixed + sine + view.getInt32(block + word * 4, true);
      const turn = turns[round * 4 + (step % 4)]!;
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0;
    }
    state = [a, b, c, d].map((value, i) => (state[i]! + value) | 0);
  }
  for (const [i, value] of state.entries()) view.setInt32(i * 4, value, true);
  return padded.subarray(0, 16);
}
