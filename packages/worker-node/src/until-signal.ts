/**
 * Resolves at the first SIGTERM or SIGINT, or when `ended` aborts; calls `onStop` for each SIGTSTP until then. Then the signals mean again
 * what they meant before. Windows knows no SIGTSTP.
 * @see Asynq signals_unix.go, signals_windows.go
 */
export function untilSignal({ onStop, ended }: { readonly onStop: () => void; readonly ended: AbortSignal }): Promise<void> {
  return new Promise((resolve) => {
    const windows = process.platform === "win32";
    const done = (): void => {
      process.off("SIGTERM", done);
      process.off("SIGINT", done);
      if (!windows) process.off("SIGTSTP", onStop);
      ended.removeEventListener("abort", done);
      resolve();
    };
    process.on("SIGTERM", done);
    process.on("SIGINT", done);
    if (!windows) process.on("SIGTSTP", onStop);
    ended.addEventListener("abort", done, { once: true });
    if (ended.aborted) done();
  });
}
