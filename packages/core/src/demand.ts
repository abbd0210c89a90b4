import { InvalidOptionError } from "./errors.ts";

/**
 * Goes on only if what was given can be used.
 * @throws {InvalidOptionError} it cannot
 */
export function demand(usable: boolean, option: string, expected: string): asserts usable {
  if (!usable) throw new InvalidOptionError(option, expected);
}
