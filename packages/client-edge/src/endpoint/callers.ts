import { demand, isSecret } from "@asynqjs/core";
import { type AllowList, checkAllowList } from "./matches.ts";

/** Who may enqueue through an endpoint, and what. */
export interface EnqueueCaller {
  /** Its own among the callers: the rate limit goes by it. */
  readonly name: string;
  /**
   * Its secrets, each as a bearer token or as the key of signatures; two while one is replaced by the other. One that is missing or has fewer
   * than 16 characters is nobody's: so a variable that is not set opens nothing.
   */
  readonly secrets: readonly (string | undefined)[];
  /** The task types that it may enqueue, such as `["email:*", "image:resize"]`. */
  readonly types: AllowList;
  /** The queues that it may enqueue into. Default: the queue `default` alone. */
  readonly queues?: AllowList | undefined;
  /**
   * The ids that it may give its tasks, such as `["shop:*"]`, lest it takes those of others. Default: any. A task without one gets a random one,
   * with the first beginning that is on the list.
   */
  readonly taskIds?: AllowList | undefined;
}

/** A caller with its defaults, and those of its secrets that are usable. */
export interface KnownCaller {
  readonly name: string;
  readonly secrets: readonly string[];
  readonly types: AllowList;
  readonly queues: AllowList;
  readonly taskIds: AllowList;
}

/**
 * Checks callers and fills in what was left out.
 * @throws {InvalidOptionError} a name that is missing or given twice, a list that is none, a secret that two callers share. Holds no secret
 */
export function checkCallers(callers: readonly EnqueueCaller[]): KnownCaller[] {
  demand(Array.isArray(callers), "callers", "expected a list of callers");
  const known = callers.map(({ name, secrets, types, queues = ["default"], taskIds = ["*"] }: EnqueueCaller): KnownCaller => {
    demand(typeof name === "string" && name !== "", "callers", "expected a name for each");
    demand(Array.isArray(secrets), "callers", "expected a list of secrets for each");
    return {
      name,
      secrets: [...new Set(secrets.filter(isSecret))],
      types: checkAllowList("types of a caller", types),
      queues: checkAllowList("queues of a caller", queues),
      taskIds: checkAllowList("taskIds of a caller", taskIds),
    };
  });
  demand(new Set(known.map(({ name }) => name)).size === known.length, "callers", "expected each name once");
  const secrets = known.flatMap((caller) => caller.secrets);
  demand(new Set(secrets).size === secrets.length, "callers", "expected each secret to be of one caller");
  return known;
}
