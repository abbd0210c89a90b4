import type { Exception } from "../exceptions.ts";
import { ofCalls } from "./calls.ts";
import { ofCron } from "./cron.ts";
import { ofGroups } from "./groups.ts";
import { ofLostWorkers } from "./lost-workers.ts";
import { ofUpkeep } from "./upkeep.ts";

/** A rule for each row of `docs/extensions.md`. */
export const exceptions: readonly Exception[] = [...ofCalls, ...ofLostWorkers, ...ofGroups, ...ofUpkeep, ...ofCron];
