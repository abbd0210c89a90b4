import { test } from "../../../../test/support/broker-test.ts";
import { portContract } from "../../../../test/support/port-contract.ts";

portContract(test);
