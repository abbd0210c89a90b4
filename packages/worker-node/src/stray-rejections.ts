import { AsyncLocalStorage } from "node:async_hooks";
import type { Component } from "./ticker.ts";

/** What is told of a rejection that a handler left behind. */
type Report = (error: unknown) => void;

/** Whose handler the running code belongs to; Node restores it where it tells of a rejection. */
const reports = new AsyncLocalStorage<Report>();
/** Servers of this process that catch such rejections: one listener does for all. */
let servers = 0;

/** Calls a handler so that promises it leaves behind, and that reject with nobody waiting, are told to `report` while a server catches them. */
export function reportingStrays<T>(report: Report, call: () => T): T {
  return reports.run(report, call);
}

/** While it runs, a rejection that a handler left behind does not end the process. Any other does what it would have done without us. */
export function strayRejections(): Component {
  let watching = false;
  return {
    name: "strayRejections",
    start() {
      if (watching) return;
      watching = true;
      if (servers++ === 0) process.on("unhandledRejection", onRejection);
    },
    async stop() {
      if (!watching) return;
      watching = false;
      if (--servers === 0) process.off("unhandledRejection", onRejection);
    },
  };
}

function onRejection(error: unknown): void {
  const report = reports.getStore();
  if (report !== undefined) report(error);
  // Thrown here it is an uncaught exception, as Node makes one of it where nobody listens.
  else if (process.listenerCount("unhandledRejection") === 1) throw error;
}
