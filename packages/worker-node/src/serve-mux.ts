import { HandlerNotFoundError, InvalidOptionError, type TaskDefinition } from "@asynqjs/core";
import { checked } from "./check-payload.ts";
import type { ProcessingTask } from "./processing-task.ts";

/** Processes one task: returns or resolves when it is done, throws or rejects when it failed. Asynq: `HandlerFunc`. */
export type HandlerFunc<Payload = unknown, Result = unknown> = (task: ProcessingTask<Payload, Result>) => unknown;

/** A function, or an object that has one. Asynq: `Handler`. */
export type Handler<Payload = unknown, Result = unknown> =
  | HandlerFunc<Payload, Result>
  | { processTask(task: ProcessingTask<Payload, Result>): unknown };

/** Wraps a handler: what it does before and after `next(task)` happens around every task. Asynq: `MiddlewareFunc`. */
export type Middleware = (next: HandlerFunc) => Handler;

/**
 * Finds a task's handler by its type: the pattern that is the type, else the longest pattern the type begins with. There is no separator:
 * `email` matches `emailer`, as in Asynq. A task definition matches its own type alone.
 * @see Asynq servemux.go
 */
export class ServeMux {
  readonly #handlers = new Map<string, HandlerFunc>();
  /** Longest first. */
  #patterns: string[] = [];
  readonly #middlewares: Middleware[] = [];

  /**
   * Registers a handler for a type or for what types begin with. Answers the mux, so calls can be chained.
   *
   * With a task definition it is for that very type alone, and sees no payload that the definition's schema does not take: such a task, and one
   * whose payload is not JSON, is archived without retries.
   * @throws {InvalidOptionError} blank pattern, registered before, no handler
   */
  handle(pattern: string, handler: Handler): this;
  handle<Payload, Result>(definition: TaskDefinition<never, Payload, Result>, handler: Handler<Payload, Result>): this;
  handle(given: string | TaskDefinition<never, unknown>, handler: Handler): this {
    const definition = typeof given === "function" ? given : undefined;
    const pattern = definition?.type ?? (given as string);
    if (typeof pattern !== "string" || pattern.trim() === "") throw new InvalidOptionError("pattern", "expected one or more characters");
    if (this.#handlers.has(pattern)) throw new InvalidOptionError("pattern", `multiple registrations for "${pattern}"`);
    const handlerFunc = toHandlerFunc(handler);
    this.#handlers.set(pattern, definition?.schema === undefined ? handlerFunc : checked(definition, handlerFunc));
    if (definition === undefined) this.#patterns = [...this.#patterns, pattern].sort((a, b) => b.length - a.length);
    return this;
  }

  /**
   * Adds middlewares: the first added is the outermost. They wrap the not-found handler too, and whatever is or will be registered, since they
   * are applied when a task comes.
   * @throws {InvalidOptionError} one is no function; none was added
   */
  use(...middlewares: Middleware[]): this {
    if (!middlewares.every((middleware) => typeof middleware === "function"))
      throw new InvalidOptionError("middleware", "expected functions of the next handler");
    this.#middlewares.push(...middlewares);
    return this;
  }

  /** The handler of a task, middlewares around it, and the pattern it was found by; `""` when none was. */
  handler(task: Pick<ProcessingTask, "type">): { readonly handler: HandlerFunc; readonly pattern: string } {
    const pattern = this.#handlers.has(task.type) ? task.type : (this.#patterns.find((prefix) => task.type.startsWith(prefix)) ?? "");
    const found = this.#handlers.get(pattern) ?? notFound;
    const handler = this.#middlewares.reduceRight<HandlerFunc>((next, middleware) => toHandlerFunc(middleware(next)), found);
    return { handler, pattern };
  }

  /**
   * Calls the task's handler.
   * @throws {HandlerNotFoundError} none matches its type
   */
  processTask(task: ProcessingTask): unknown {
    return this.handler(task).handler(task);
  }
}

/** Fails with `handler not found for task "<type>"`. Asynq: `NotFound`. */
export function notFound(task: ProcessingTask): never {
  throw new HandlerNotFoundError(task.type);
}

/**
 * The function of a handler.
 * @throws {InvalidOptionError} it is neither a function nor has `processTask`
 */
export function toHandlerFunc(handler: Handler): HandlerFunc {
  if (typeof handler === "function") return handler;
  if (typeof handler === "object" && handler !== null && typeof handler.processTask === "function")
    return (task) => handler.processTask(task);
  throw new InvalidOptionError("handler", "expected a function or an object with processTask");
}
