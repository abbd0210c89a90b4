import { defineTask, HandlerNotFoundError, InvalidOptionError } from "@asynqjs/core";
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

  test("matches a task definition for its own type alone, beside patterns", () => {
    const welcome = defineTask("email:welcome");
    const mux = new ServeMux().handle(welcome, says("welcome")).handle("email:", says("email"));

    expect(mux.handler(task("email:welcome"))).toMatchObject({ pattern: "email:welcome" });
    expect(mux.processTask(task("email:welcome"))).toBe("welcome");
    expect(mux.handler(task("email:welcome:again")).pattern).toBe("email:");
    expect(new ServeMux().handle(welcome, says("x")).handler(task("email:welcome:again")).pattern).toBe("");
    expect(() => mux.handle("email:welcome", says("x"))).toThrow('multiple registrations for "email:welcome"');
    expect(() => new ServeMux().handle(welcome, undefined as never)).toThrow(InvalidOptionError);
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

  test("applies middlewares when a task comes: those added later wrap what was registered before, once for each task", () => {
    const wrapped: string[] = [];
    const mux = new ServeMux().handle("a", says("a"));
    mux.use((next) => {
      wrapped.push("wrapped");
      return (it) => `(${next(it)})`;
    });

    expect(mux.processTask(task("a"))).toBe("(a)");
    expect(mux.processTask(task("a"))).toBe("(a)");
    expect(wrapped).toEqual(["wrapped", "wrapped"]);
  });

  test("is a handler, so one mux may serve a part of another's types", () => {
    const emails = new ServeMux().handle("email:welcome", says("welcome"));
    const mux = new ServeMux().handle("email:", emails);

    expect(mux.processTask(task("email:welcome"))).toBe("welcome");
    expect(() => mux.processTask(task("email:other"))).toThrow(new HandlerNotFoundError("email:other"));
  });

  test("fails the task when a middleware answers no handler", () => {
    const mux = new ServeMux().handle("a", says("a")).use(() => undefined as never);

    expect(() => mux.processTask(task("a"))).toThrow("invalid handler: expected a function or an object with processTask");
  });

  test("adds no middleware of a list that has one that is no function", () => {
    const mux = new ServeMux().handle("a", says("a"));

    expect(() => mux.use((next) => (it) => `(${next(it)})`, undefined as never)).toThrow(
      "invalid middleware: expected functions of the next handler",
    );
    expect(mux.processTask(task("a"))).toBe("a");
  });

  test.each<[string, () => unknown, string]>([
    ["an empty pattern", () => new ServeMux().handle("", says("x")), "invalid pattern: expected one or more characters"],
    ["a blank pattern", () => new ServeMux().handle(" ", says("x")), "invalid pattern: expected one or more characters"],
    [
      "a pattern twice",
      () => new ServeMux().handle("a", says("x")).handle("a", says("y")),
      'invalid pattern: multiple registrations for "a"',
    ],
    [
      "an object without processTask",
      () => new ServeMux().handle("a", {} as never),
      "invalid handler: expected a function or an object with processTask",
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
