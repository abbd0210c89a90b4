/**
 * Bytes with the part that should travel as text marked: `[textStart, textEnd)` is tried as UTF-8 by a JSON transport, the rest goes
 * byte by byte. On TCP the marks mean nothing.
 */
export interface MarkedBytes {
  readonly bytes: Uint8Array;
  readonly textStart: number;
  readonly textEnd: number;
}
