/** Stands between what is shown of one queue or entry and of the next. @see Asynq tools/asynq/cmd/queue.go */
export const separator = "=".repeat(49);
