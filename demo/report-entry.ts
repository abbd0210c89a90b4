import { type Broker, CronEntryNotFoundError } from "@asynqjs/core";
import { addCronEntry, removeCronEntry } from "@asynqjs/core/cron";
import { reportEntryId, reportType } from "./shop.ts";

/** Adds the cron entry of the shop: a report every minute. */
export async function addReportEntry(broker: Broker): Promise<void> {
  await addCronEntry(broker, { id: reportEntryId, spec: "* * * * *", type: reportType, queue: "shop-desk" });
}

/** Removes it, if it is there: from then on nothing is fired. */
export async function removeReportEntry(broker: Broker): Promise<void> {
  await removeCronEntry(broker, reportEntryId).catch((error) => {
    if (!(error instanceof CronEntryNotFoundError)) throw error;
  });
}
