/** The tasks: what is said when one is enqueued, and read when it is handled. */
import { defineTask } from "@asynqjs/core";

export const welcome = defineTask<{ readonly to: string }>("email:welcome");
export const report = defineTask<{ readonly of: string }>("report:send");
