#!/usr/bin/env node
/** `asynqjs-gateway`: starts a gateway and stops it on SIGTERM or SIGINT. */
import { readFileSync } from "node:fs";
import { readBinOptions, usage } from "./bin-options.ts";
import { GatewayOptionError } from "./errors.ts";
import { startGateway } from "./start.ts";

try {
  const request = readBinOptions(process.argv.slice(2), process.env, (path) => readFileSync(path, "utf8"));
  if (request.action === "help") {
    console.log(usage);
  } else if (request.action === "version") {
    console.log(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
  } else {
    for (const warning of request.warnings) console.error(`warn: ${warning}`);
    const starting = startGateway({ ...request.options, log: (level, text) => console.error(`${level}: ${text}`) });
    const stop = async (): Promise<void> => {
      // A second signal finds no listener and ends the process at once.
      process.off("SIGTERM", stop).off("SIGINT", stop);
      await starting.then((gateway) => gateway.close()).catch(() => {});
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
    console.log(`asynqjs-gateway listens on ${(await starting).url}`);
    if (!["127.0.0.1", "::1", "localhost"].includes(request.options.host)) {
      console.error("warn: plain HTTP beyond loopback; put a TLS proxy before it");
    }
  }
} catch (error) {
  console.error(`asynqjs-gateway: ${error instanceof Error ? error.message : "failed"}`);
  process.exitCode = error instanceof GatewayOptionError ? 2 : 1;
}
