import { HandlerNotFoundError, InvalidOptionError } from "@asynqjs/core";
import { describe, expect, test } from "vitest";
import type { ProcessingTask } from "./processing-task.ts";
import { type HandlerFunc, type Middleware, notFound, ServeMux } from "./serve-mux.ts";

const task = (type: string): ProcessingTask => ({ type }) as ProcessingTask;
const says =
  (word: string): HandlerFunc =>
  () =>
    word;

describe("ServeMux", () => {
  test.each([
    ["email:welcome", "welcome", "email:welcome"],
    ["email:welcome:again", "welcome", "email:welcome"],
    ["email:other", "email", "email:"],
    ["emailer", "short", "email"],
    ["email", "short", "email"],
    ["sms", undefined, ""],
  ])("finds for %j the handler %j by the pattern %j", (type, said, pattern) => {
    const mux = new ServeMux()
      .handle("email", says("short"))
      .handle("email:welcome", { processTask: says("welcome") })
      .handle("email:", says("email"));

    const found = mux.handler(task(type));

    expect(found.pattern).toBe(pattern);
    if (said !== undefined) expect(found.handler(task(type))).toBe(said);
    else expect(() => found.handler(task(type))).toThrow(new HandlerNotFoundError("sms"));
  });

  test("says which type has no handler, in Asynq's words", () => {
    expect(() => new ServeMux().processTask(task("a"))).toThrow('handler not found for task "a"');
    expect(() => notFound(task("a"))).toThrow(HandlerNotFoundError);
  });

  test("runs middlewares in the order they were added, around the not-found handler too", () => {
    const steps: string[] = [];
    const step =
      (name: string): Middleware =>
      (next) =>
      (it) => {
        steps.push(`${name} in`);
        try {
          return next(it);
        } finally {
          steps.push(`${name} out`);
        }
      };
    const mux = new ServeMux().use(step("a"), step("b"));
    mux.use((next) => ({ processTask: step("c")(next) as HandlerFunc }));

    expect(() => mux.processTask(task("nobody"))).toThrow(HandlerNotFoundError);

    expect(steps).toEqual(["a in", "b in", "c in", "c out", "b out", "a out"]);
  });

  test.each<[string, () => unknown, string]>([
    ["a blank pattern", () => new ServeMux().handle(" ", says("x")), "invalid pattern: expected one or more characters"],
    [
      "a pattern twice",
      () => new ServeMux().handle("a", says("x")).handle("a", says("y")),
      'invalid pattern: multiple registrations for "a"',
    ],
    [
      "no handler",
      () => new ServeMux().handle("a", undefined as never),
      "invalid handler: expected a function or an object with processTask",
    ],
  ])("refuses %s", (_, act, message) => {
    expect(act).toThrow(new InvalidOptionError(...(message.slice("invalid ".length).split(": ") as [string, string])));
  });
});
