import type { Command } from "./command.ts";
import { refuseUnlessReading } from "./read-commands.ts";
import { refuseCommand } from "./refuse-command.ts";
import { refuseUnlessEnqueuing } from "./refuse-unless-enqueuing.ts";
import type { Grant } from "./token.ts";

/** Says why the bearer of a token may not run a command, as an error of Redis reads; `undefined` where it may be sent. */
export function refuseFor(grant: Grant, command: Command): string | undefined {
  switch (grant.role) {
    case "full":
      return refuseCommand(command);
    case "read":
      return refuseUnlessReading(command) ?? refuseCommand(command);
    case "enqueue":
      return refuseUnlessEnqueuing(command, grant.queues) ?? refuseCommand(command);
  }
}
