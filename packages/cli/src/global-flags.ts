import { type Command, Option } from "commander";
import { markInherited } from "./help.ts";

/** The flags of every command: Asynq's own, then ours. */
const globalFlags: readonly (readonly [flags: string, description: string])[] = [
  ["--config <file>", "config file to set flag default values (default is $HOME/.asynq.yaml)"],
  [
    "-u, --uri <uri>",
    "Redis server address (host:port), or a URI such as redis://… rediss://… redis-sentinel://… redis-cluster://… (default 127.0.0.1:6379)",
  ],
  ["-n, --db <number>", "Redis database number (default is 0)"],
  ["-p, --password <password>", "password to use when connecting to redis server"],
  ["-U, --username <name>", "username to use when connecting to Redis (ACL username)"],
  ["--cluster", "connect to redis cluster"],
  ["--cluster_addrs <addresses>", "list of comma-separated redis server addresses"],
  ["--tls", "enable TLS connection"],
  ["--tls_server <name>", "server name for TLS validation"],
  ["--insecure", "allow insecure TLS connection by skipping cert validation"],
  ["--url <url>", "URL of an HTTP Redis: Upstash, or asynqjs' gateway"],
  ["--token <token>", "token of that HTTP Redis"],
  ["--json", "print JSON"],
];

/** Gives a command and all below it the flags of every command. */
export function addGlobalFlags(command: Command): void {
  for (const [flags, description] of globalFlags) {
    command.addOption(markInherited(new Option(flags, description)));
    // `--tls=false`, against what the environment or the config file says.
    if (!flags.includes("<")) command.addOption(new Option(flags.replace("--", "--no-")).hideHelp());
  }
  for (const below of command.commands) addGlobalFlags(below);
}

/** For a command that loses something: it asks before, unless this flag is said (`CliContext.confirm`). */
export function asksFirst(command: Command): Command {
  return command.option("-y, --yes", "do not ask first");
}
