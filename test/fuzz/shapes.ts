/** Says what is wrong with a value, and where; nothing where it is what it should be. */
export type Shape = (value: unknown) => string | undefined;

const is =
  (what: string, holds: (value: unknown) => boolean): Shape =>
  (value) =>
    holds(value) ? undefined : `is no ${what}`;

export const count: Shape = is("count", (value) => Number.isSafeInteger(value) && (value as number) >= 0);
export const whole: Shape = is("whole number", Number.isSafeInteger);
/** One that no number equals among them. */
export const number: Shape = is("number", (value) => typeof value === "number");
export const finite: Shape = is("number", Number.isFinite);
export const bool: Shape = is("boolean", (value) => typeof value === "boolean");
export const text: Shape = is("text", (value) => typeof value === "string");
export const bytes: Shape = is("bytes", (value) => value instanceof Uint8Array);
export const time: Shape = is("time", (value) => value instanceof Date && Number.isFinite(value.getTime()));
export const nothing: Shape = is("nothing", (value) => value === undefined);

export const one =
  (...words: readonly string[]): Shape =>
  (value) =>
    words.includes(value as string) ? undefined : `is none of ${words.join(", ")}`;

export const maybe =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined ? undefined : shape(value);

export const list =
  (shape: Shape, length?: number): Shape =>
  (value) => {
    if (!Array.isArray(value)) return "is no list";
    if (length !== undefined && value.length !== length) return `has ${value.length} items, not ${length}`;
    // By number: a hole is no item to `entries`' callers.
    for (let i = 0; i < value.length; i++) {
      const wrong = shape(value[i]);
      if (wrong !== undefined) return `[${i}] ${wrong}`;
    }
    return undefined;
  };

/** These and no other properties. */
export const record =
  (shapes: Readonly<Record<string, Shape>>): Shape =>
  (value) => {
    if (typeof value !== "object" || value === null) return "is no record";
    const other = Object.keys(value).find((name) => !Object.hasOwn(shapes, name));
    if (other !== undefined) return `has ${other}`;
    for (const [name, shape] of Object.entries(shapes)) {
      const wrong = shape((value as Record<string, unknown>)[name]);
      if (wrong !== undefined) return `.${name} ${wrong}`;
    }
    return undefined;
  };

export const either =
  (...shapes: readonly Shape[]): Shape =>
  (value) =>
    shapes.some((shape) => shape(value) === undefined) ? undefined : (shapes[0]!(value) ?? "");
