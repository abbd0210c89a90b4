import { ofCalls } from "./calls.ts";
import { ofGroups } from "./groups.ts";
import { ofLostWorkers } from "./lost-workers.ts";
import type { DirectedHistories } from "./parts.ts";
import { ofUpkeep } from "./upkeep.ts";

export const directed: DirectedHistories = { ...ofCalls, ...ofLostWorkers, ...ofGroups, ...ofUpkeep };
