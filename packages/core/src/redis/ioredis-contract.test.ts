import { inject } from "vitest";
import { portFixtures, test } from "../../../../test/support/broker-test.ts";
import { portContract } from "../../../../test/support/port-contract.ts";

// To one Redis or, in the project that has them, through Sentinels; a Cluster's is the port of a project of its own.
const kind = inject("brokerPort") === "sentinel" ? "ioredis-sentinel" : "ioredis";

portContract(test.extend(portFixtures(kind)));
