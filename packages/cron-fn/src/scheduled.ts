/** Cloudflare's trigger: a Worker's `scheduled` handler. @module */
import { tellFailures, tellReport } from "./tell-report.ts";
import { runSetup, type TickSetup } from "./tick-setup.ts";

/** Workers on the free plan have 50 requests an invocation; some are for what is sent again, and to end what is begun. */
export const requestsOfWorker = 40;

/**
 * Makes the `scheduled` handler of a Worker that runs what is due at each of its cron triggers, at most 40 requests' worth unless told
 * otherwise. It logs the report as JSON, and fails, so that the invocation shows as failed, when a tick has: after all others have run.
 * @throws as `runTicks`, in the handler
 */
export function scheduled<Env>(setUp: (env: Env) => TickSetup): (controller: unknown, env: Env, ctx?: unknown) => Promise<void> {
  return async (_, env) => {
    const report = await runSetup({ maxRequests: requestsOfWorker, ...setUp(env) });
    console.log(tellReport(report));
    if (report.failed.length > 0) throw new Error(tellFailures(report.failed));
  };
}
