import { DecodeError, InvalidPayloadError, readPayload, SkipRetry, type TaskDefinition } from "@asynqjs/core";
import { ProcessingTask } from "./processing-task.ts";
import type { HandlerFunc } from "./serve-mux.ts";

/**
 * The handler, called only with payloads that the definition's schema takes. The next try would meet the same bytes: a payload that is none is
 * archived at once, with an error that says where it does not fit and nothing of what is there.
 */
export function checked(definition: TaskDefinition<never, unknown>, handler: HandlerFunc): HandlerFunc {
  return async (task) => {
    let payload: unknown;
    try {
      payload = await readPayload(definition, task.payload);
    } catch (error) {
      if (error instanceof InvalidPayloadError || error instanceof DecodeError) throw new SkipRetry(error.message, { cause: error });
      throw error;
    }
    ProcessingTask.giveChecked(task, payload);
    return handler(task);
  };
}
