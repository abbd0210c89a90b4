/** For Node, Deno and Bun: the setting is the argument, the answers are the last line. */
import { runCases } from "./cases.ts";

console.log(JSON.stringify(await runCases(JSON.parse(process.argv[2]!))));
