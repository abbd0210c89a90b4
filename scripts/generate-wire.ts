/**
 * Makes the protobufjs code that reads Asynq's messages from `packages/core/src/wire/asynq.proto`: `node scripts/run.mjs node scripts/generate-wire.ts`.
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const core = fileURLToPath(new URL("../packages/core/", import.meta.url));
const proto = readFileSync(path.join(core, "src/wire/asynq.proto"), "utf8");

/** What is made: a worker reads tasks in one module; what writes tasks is our own, so that module has no encoder. */
export const generatedFiles: readonly { readonly file: string; readonly make: () => string }[] = [
  {
    file: path.join(core, "src/wire/generated/task-message.ts"),
    make: () => generate(["TaskMessage"], ["--no-encode"]),
  },
  {
    file: path.join(core, "src/wire/generated/server-records.ts"),
    make: () => generate(["ServerInfo", "WorkerInfo", "SchedulerEntry", "SchedulerEnqueueEvent"], []),
  },
];

function generate(messages: readonly string[], flags: readonly string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), "asynqjs-wire-"));
  try {
    const input = path.join(folder, "asynq.proto");
    const output = path.join(folder, "asynq.js");
    writeFileSync(input, onlyMessages(messages));
    const pbjs = path.join(core, "node_modules/protobufjs-cli/bin/pbjs");
    const less = ["create", "verify", "convert", "delimited", "typeurl", "service", "comments"].map((part) => `--no-${part}`);
    const args = [pbjs, "--target", "static-module", "--wrap", "es6", "--es6", ...less, ...flags, "--out", output, input];
    const done = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`pbjs failed:\n${done.stdout}${done.stderr}`);
    return asModule(readFileSync(output, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The schema with these messages alone. */
function onlyMessages(messages: readonly string[]): string {
  const kept = proto.replace(/^message (\w+) \{\n[^}]*^\}\n/gm, (text, name: string) => (messages.includes(name) ? text : ""));
  for (const message of messages) if (!kept.includes(`message ${message} {`)) throw new Error(`no message ${message} in asynq.proto`);
  return kept.includes("google.protobuf.Timestamp ") ? kept : kept.replace(/^import .*\n/m, "");
}

/** The messages hang from a root of their own: protobufjs' `roots` are shared by all that use it in one process. */
function asModule(source: string): string {
  let text = source;
  for (const [pattern, replacement] of [
    [/^\/\*eslint-disable.*\*\/\n/, "// @ts-nocheck\n// Made from asynq.proto by scripts/generate-wire.ts: do not edit.\n"],
    [/^const \$root = .*$/m, "const $root = {};"],
    [/^export const asynq = /m, "export const asynq: any = "],
    [/\nexport \{\n[^}]*\};\n/, ""],
  ] as const) {
    if (!pattern.test(text)) throw new Error(`pbjs no longer writes ${pattern}`);
    text = text.replace(pattern, replacement);
  }
  return text.replace(/^export const google = /m, "");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) for (const { file, make } of generatedFiles) writeFileSync(file, make());
