/** Starts a gateway for `hostile-clients.slow.test.ts` and tells over IPC where it is and, when asked, what it uses. */
import { getActiveResourcesInfo } from "node:process";
import { startGateway } from "../src/index.ts";

const [redis, token, limits] = process.argv.slice(2);
const gateway = await startGateway({ redis: redis!, tokens: [token!], port: 0, limits: JSON.parse(limits!) });

process.on("message", () => {
  globalThis.gc!();
  const { heapUsed, external, rss } = process.memoryUsage();
  const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024);
  const connections = getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length - 1;
  process.send!({ heap: mib(heapUsed + external), rss: mib(rss), connections });
});
process.send!({ url: gateway.url, port: gateway.port });
