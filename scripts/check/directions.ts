/**
 * Which way imports may point. Arrows never turn back; packages beside each other do not know each other.
 * @module
 */

/** What each workspace package may import of the others. One that is not listed is refused until it is. */
export const packageDirections: Readonly<Record<string, readonly string[]>> = {
  core: [],
  "client-edge": ["core"],
  "worker-node": ["core"],
  "cron-fn": ["core"],
  gateway: ["core"],
  cli: ["core", "cron-fn", "gateway"],
};

/** Packages that are published with every library in them: what they import is among their devDependencies, and nothing is installed with them. */
export const bundledPackages: readonly string[] = ["cli"];

/**
 * Core from the ground up. A file imports what lies below it, or beside it in its own row; a folder stands for all its files. Options name
 * the unique lock, whose name is a key, so keys lie below them.
 */
export const coreRows: readonly (readonly string[])[] = [
  [
    "errors",
    "demand",
    "check-secret",
    "deadlines",
    "encode-text",
    "hex",
    "md5",
    "clock",
    "task-message",
    "by-queue",
    "split-calls",
    "short-text",
    "standard-schema",
    "limits",
    "logger",
    "read-payload",
  ],
  ["keys", "lease"],
  ["task", "task-state", "define-task", "options", "failure", "grouped-task", "wire/"],
  [
    "redis",
    "redis/",
    "corrected-clock",
    "call-records",
    "broker",
    "durability",
    "lua/",
    "script",
    "send-plain",
    "define-script",
    "verdicts",
    "decode-reply",
  ],
  ["containers"],
  ["broker/"],
  ["ticks/", "cron/", "metrics/", "invariants/"],
  ["inspector/", "doctor/"],
  ["testing/"],
  ["index"],
];
