/** Settles when the signal has aborted, at once if it has already. The word is for a race: it tells what ended it. */
export function untilAborted(signal: AbortSignal): Promise<"stopped"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("stopped");
    else signal.addEventListener("abort", () => resolve("stopped"), { once: true });
  });
}
