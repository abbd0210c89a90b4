/** What everybody shares: what is put there is seen in every object. */
const shared: readonly (readonly [name: string, of: object])[] = [
  ["globalThis", globalThis],
  ...[Object, Array, Function, String, Number, Boolean, BigInt, Symbol, Error, Promise, RegExp, Date, Map, Set, WeakMap].flatMap(both),
  ...[Uint8Array, ArrayBuffer, TextDecoder, TextEncoder, Request, Response, Headers, URL, AbortSignal, Buffer].flatMap(both),
  ["JSON", JSON],
  ["Math", Math],
];

function both(of: { readonly name: string; readonly prototype: object }): [string, object][] {
  return [
    [of.name, of],
    [`${of.name}.prototype`, of.prototype],
  ];
}

/** Remembers what all objects share, and says afterwards what of it was altered. */
export function watchPrototypes(): () => string[] {
  const before = shared.map(([name, of]) => ({ name, of, own: ownOf(of) }));
  return () =>
    before.flatMap(({ name, of, own }) => {
      const now = ownOf(of);
      return [...new Set([...own.keys(), ...now.keys()])]
        .filter((key) => !Object.is(now.get(key), own.get(key)))
        .map((key) => `${name}.${String(key)}`);
    });
}

/** Cheap enough to be asked after every input: whether a plain object has anything that it had not. */
export function isPlain(): boolean {
  for (const _ in {}) return false;
  for (const _ in []) return false;
  return true;
}

/** Values and functions that read them; a getter is not run. */
function ownOf(of: object): Map<string | symbol, unknown> {
  return new Map(
    Reflect.ownKeys(of).map((key) => {
      const { value, get } = Reflect.getOwnPropertyDescriptor(of, key)!;
      return [key, get ?? value];
    }),
  );
}
