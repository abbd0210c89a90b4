import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import { defineTask, type PayloadOf, type ResultOf, readPayload, type ThroughJson } from "./define-task.ts";
import { DecodeError, InvalidOptionError, InvalidPayloadError } from "./errors.ts";
import type { StandardSchemaV1 } from "./standard-schema.ts";
import { Task } from "./task.ts";

const text = (task: Task) => new TextDecoder().decode(task.payload);
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const caught = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

/** The same shape in two libraries. */
const order = {
  zod: z.object({ id: z.string(), items: z.array(z.object({ price: z.number() })), at: z.coerce.date().optional() }),
  valibot: v.object({
    id: v.string(),
    items: v.array(v.object({ price: v.number() })),
    at: v.optional(
      v.pipe(
        v.string(),
        v.transform((iso) => new Date(iso)),
      ),
    ),
  }),
};

describe("a definition without schema", () => {
  test("makes tasks of its type with JSON payloads and options, and checks nothing", () => {
    const welcome = defineTask<{ to: string }>("email:welcome");

    const task = welcome({ to: "someone" }, { queue: "mail" });

    expect(task).toBeInstanceOf(Task);
    expect(task).toMatchObject({ type: "email:welcome", options: { queue: "mail" } });
    expect(text(task)).toBe('{"to":"someone"}');
    expect(welcome.type).toBe("email:welcome");
    expect(text(welcome({ to: 42 } as never))).toBe('{"to":42}');
  });

  test("makes a string JSON too, so that what a handler reads is what was given; and no payload of none", async () => {
    const say = defineTask<string>("say");

    expect(text(say("hi"))).toBe('"hi"');
    expect(await readPayload(say, say("hi").payload)).toBe("hi");
    expect(defineTask("tick")().payload).toBeUndefined();
    expect(await readPayload(defineTask("tick"), new Uint8Array())).toBeUndefined();
  });

  test("refuses a blank type, and a payload that JSON cannot hold", () => {
    expect(() => defineTask(" ")).toThrow(InvalidOptionError);
    expect(() => defineTask<{ n: bigint }>("a")({ n: 1n })).toThrow(InvalidOptionError);
  });

  test("has the types that were said, as they are after JSON, and the result's", () => {
    const resize = defineTask<{ at: Date; size: number; then?: string }>("image:resize").returns<{ url: string }>();

    expectTypeOf(resize).parameter(0).toEqualTypeOf<{ at: Date; size: number; then?: string }>();
    expectTypeOf<PayloadOf<typeof resize>>().toEqualTypeOf<{ at: string; size: number; then?: string }>();
    expectTypeOf<ResultOf<typeof resize>>().toEqualTypeOf<{ url: string }>();
    expectTypeOf(defineTask("tick")).toBeCallableWith();
    expectTypeOf<ThroughJson<unknown>>().toBeUnknown();
    expectTypeOf<ThroughJson<(Date | null)[]>>().toEqualTypeOf<(string | null)[]>();
    // @ts-expect-error: no such payload
    resize({ size: "large" });
    // @ts-expect-error: it wants one
    caught(() => resize());
    expect(resize.returns()).toBe(resize);
  });
});

describe.each(["zod", "valibot"] as const)("a definition with a schema of %s", (library) => {
  const schema = order[library];
  const confirm = defineTask<z.input<typeof order.zod>, unknown>("order:confirm", schema as StandardSchemaV1<never>);

  test("stores the payload as it was given, and reads it as the schema has it", async () => {
    const task = confirm({ id: "o1", items: [{ price: 5 }], at: "2040-01-02T03:04:05.000Z" });

    expect(text(task)).toBe('{"id":"o1","items":[{"price":5}],"at":"2040-01-02T03:04:05.000Z"}');
    expect(await readPayload(confirm, task.payload)).toEqual({ id: "o1", items: [{ price: 5 }], at: new Date("2040-01-02T03:04:05Z") });
  });

  test("refuses another when the task is made and when it is read: says where, never what is there", async () => {
    const bad = { id: 4711, items: [{ price: 1 }, { price: "secret" }] };

    const made = caught(() => confirm(bad as never)) as InvalidPayloadError;
    const read = await readPayload(confirm, bytes(bad)).catch((error: unknown) => error);

    expect(made).toBeInstanceOf(InvalidPayloadError);
    expect(made).toMatchObject({ code: "INVALID_PAYLOAD", paths: ["id", "items[1].price"] });
    expect(made.message).toBe('invalid payload of a task of type "order:confirm": at "id", "items[1].price"');
    expect(read).toEqual(made);
    expect(JSON.stringify([made, made.message, made.stack])).not.toMatch(/4711|secret/);
  });

  test("names the top where the whole payload does not fit, and bounds what it names", async () => {
    await expect(readPayload(confirm, undefined)).rejects.toThrow('invalid payload of a task of type "order:confirm": at the top');
    const many = { id: "o1", items: Array.from({ length: 12 }, () => ({})) };
    await expect(readPayload(confirm, bytes(many))).rejects.toThrow(/"items\[9\].price" and 2 more$/);
  });

  test("is told that JSON cannot hold a payload by its name", () => {
    expect(() => defineTask("a")({ n: 1n } as never)).toThrow("invalid payload: expected bytes, a string, or what JSON can hold");
  });

  test("takes a payload that is not UTF-8 for no JSON", async () => {
    await expect(readPayload(defineTask("a"), Uint8Array.of(0x22, 0xff, 0x22))).rejects.toThrow(
      'cannot decode the payload of a task of type "a": it is not JSON',
    );
  });

  test("does not quote a payload that is no JSON", async () => {
    const error = await readPayload(confirm, new TextEncoder().encode("secret")).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toHaveProperty("message", 'cannot decode the payload of a task of type "order:confirm": it is not JSON');
    expect(error).not.toHaveProperty("cause");
  });
});

describe("a schema", () => {
  test("is shown what JSON makes of the payload: what passes here passes at the handler", () => {
    const dated = defineTask("a", z.object({ at: z.date() }));

    expect(caught(() => dated({ at: new Date(0) }))).toMatchObject({ code: "INVALID_PAYLOAD", paths: ["at"] });
  });

  test("gives its input to whoever enqueues and its output to the handler", () => {
    const definition = defineTask("a", z.object({ at: z.string().transform((iso) => new Date(iso)), n: z.number().default(1) }));

    expectTypeOf(definition).parameter(0).toEqualTypeOf<{ at: string; n?: number | undefined }>();
    expectTypeOf<PayloadOf<typeof definition>>().toEqualTypeOf<{ at: Date; n: number }>();
    const inValibot = defineTask("a", v.object({ n: v.optional(v.number(), 1) })).returns<string>();
    expectTypeOf<PayloadOf<typeof inValibot>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<ResultOf<typeof inValibot>>().toBeString();
  });

  test("that answers a promise is refused where a task is made, and waited for where it is read", async () => {
    const slow = defineTask(
      "a",
      z.object({ n: z.number() }).refine(async ({ n }) => n > 0),
    );

    expect(() => slow({ n: -1 })).toThrow('invalid schema: expected one that answers at once, for tasks of type "a" that are enqueued');
    const failing = defineTask("a", { "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new Error("unheard")) } });
    expect(() => failing(1)).toThrow(InvalidOptionError);
    expect(await readPayload(slow, bytes({ n: 1 }))).toEqual({ n: 1 });
    await expect(readPayload(slow, bytes({ n: -1 }))).rejects.toThrow(InvalidPayloadError);
  });

  test("that answers a promise has its failure heard, so that it ends no process", () => {
    const heard: unknown[] = [];
    // biome-ignore lint/suspicious/noThenProperty: it is one that says who listens
    const promise = { then: (...how: readonly unknown[]) => void heard.push(...how) } as never;
    const slow = defineTask("a", { "~standard": { version: 1, vendor: "test", validate: () => promise } });

    expect(() => slow(1)).toThrow(InvalidOptionError);
    expect(heard).toEqual([undefined, expect.any(Function)]);
  });

  test("that is broken is its author's error, not the payload's", async () => {
    const broken: StandardSchemaV1<{ n: number }> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => {
          throw new TypeError("broken");
        },
      },
    };

    expect(() => defineTask("a", broken)({ n: 1 })).toThrow(TypeError);
    await expect(readPayload(defineTask("a", broken), bytes({ n: 1 }))).rejects.toThrow(TypeError);
  });

  test("may name places by symbols and by keys of objects", () => {
    const odd: StandardSchemaV1 = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => ({
          issues: [
            { message: "m", path: [{ key: "a" }, { key: 0 }, Symbol("s")] },
            { message: "m", path: ["b".repeat(200)] },
          ],
        }),
      },
    };

    expect(() => defineTask("a", odd)(1)).toThrow(`at "a[0].Symbol(s)", "${"b".repeat(100)}"`);
  });
});
