import type { Tab } from "../state.ts";
import type { Look } from "./line.ts";

/** Asynq's colour of each state, in its bars. */
export const stateLooks: Readonly<Record<Exclude<Tab, "js:quarantine">, Look>> = {
  active: { color: 12 },
  pending: { color: 2 },
  aggregating: { color: 120 },
  scheduled: { color: 11 },
  retry: { color: 218 },
  archived: { color: 5 },
  completed: { color: 22 },
};

export const titleLook: Look = { bold: true };
export const labelLook: Look = { color: 250 };
export const keyLook: Look = { color: 250, bold: true };
export const footerLook: Look = { color: 15, background: 238, inverse: true };
/** Dark red. */
export const errorLook: Look = { color: 15, background: 88, inverse: true };
export const goodLook: Look = { ...footerLook, color: 120 };
export const badLook: Look = { ...footerLook, color: 218, bold: true };
export const boxLook: Look = { bold: true };
export const processedLook: Look = { color: 2 };
export const failedLook: Look = { color: 9 };
export const latencyLook: Look = { color: 11 };
