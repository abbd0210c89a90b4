import * as core from "@asynqjs/core";
import * as cron from "@asynqjs/core/cron";
import { beforeAll } from "vitest";

/** Has the names of all scripts made before the tests: it is done on another thread, which nobody who counts calls would wait for. */
export function knowScripts(): void {
  beforeAll(async () => {
    for (const it of Object.values({ ...core, ...cron }) as {
      readonly sha?: (codec: core.RedisFeatures["codec"], allowOom: boolean) => unknown;
    }[])
      if (typeof it === "object" && typeof it?.sha === "function") for (const allowOom of [false, true]) await it.sha("raw", allowOom);
  });
}
