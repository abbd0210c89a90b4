import { InvalidOptionError } from "./errors.ts";

/**
 * Goes on only if what was given can be used. Where each task is checked, no text is put together for it: that costs more than the check.
 * @throws {InvalidOptionError} it cannot
 */
export function demand(usable: boolean, option: string, expected: string): asserts usable {
  if (!usable) throw new InvalidOptionError(option, expected);
}
