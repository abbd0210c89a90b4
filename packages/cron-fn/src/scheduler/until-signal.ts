/** Resolves at the first SIGTERM or SIGINT, or when `ended` aborts; then the signals mean again what they meant before. */
export function untilSignal(ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      process.off("SIGTERM", done);
      process.off("SIGINT", done);
      ended.removeEventListener("abort", done);
      resolve();
    };
    process.on("SIGTERM", done);
    process.on("SIGINT", done);
    ended.addEventListener("abort", done, { once: true });
    if (ended.aborted) done();
  });
}
