import type { RedisPort } from "@asynqjs/core";
import { type HttpFault, httpFaults } from "./http-faults.ts";
import { openPort, type PortKind, type Whereabouts } from "./open-port.ts";
import { sentinelDetour } from "./sentinel-detour.ts";
import { type TcpFault, tcpFaults } from "./tcp-faults.ts";

/** What is lost of a call on its way: on TCP and over HTTP alike. */
export const losses = ["the request", "the reply", "half of the reply", "the reply, its connection left open"] as const;
type Loss = (typeof losses)[number];

const onTcp = {
  "the request": "drop-request",
  "the reply": "drop-reply",
  "half of the reply": "half-reply",
  "the reply, its connection left open": "hold-reply",
} as const satisfies Record<Loss, TcpFault>;
const overHttp: Record<Loss, HttpFault> = { ...onTcp, "the request": "reset" };

/** A port whose way to Redis loses what it is told to lose: real bytes on real connections. */
export interface LossyPort {
  readonly port: RedisPort;
  /**
   * Strikes at the next script call, on a Cluster at the next one of each master; at the one by text that follows it, if told so. Answers
   * a function that says what was sent from then on: each script call or pipeline of them, as it came.
   */
  lose(loss: Loss, byText?: "by text"): () => string[];
  stop(): Promise<void>;
}

/** No call of the tests takes so long on a connection that answers. */
const tryTimeoutMs = 500;

export async function openLossyPort(kind: PortKind, at: Whereabouts): Promise<LossyPort> {
  if (kind === "fetch" || kind === "upstash") {
    const faults = await httpFaults(at.gateway!.url);
    const port = openPort(kind, { gateway: { ...at.gateway!, url: faults.url } }, { tryTimeoutMs });
    return {
      port,
      lose(loss, byText) {
        const from = faults.requests.length;
        faults.next(...(byText ? ["pass" as const] : []), overHttp[loss]);
        return () => faults.requests.slice(from).map(({ body }) => body);
      },
      async stop() {
        await port.close();
        await faults.stop();
      },
    };
  }
  const servers = kind === "cluster" ? at.cluster! : [at.port!];
  const ways = await Promise.all(servers.map((server) => tcpFaults({ port: server })));
  const detours = new Map(servers.map((server, i) => [server, ways[i]!.port]));
  const sentinel = kind === "sentinel" ? await sentinelDetour(at.sentinels![0]!, detours) : undefined;
  const port = openPort(kind, { ...at, detours, ...(sentinel && { sentinels: [sentinel.port] }) }, { tryTimeoutMs });
  return {
    port,
    lose(loss, byText) {
      const froms = ways.map(({ requests }) => requests.length);
      for (const way of ways) way.next(onTcp[loss], byText ? "\nEVAL\r" : "\nEVALSHA\r");
      return () => ways.flatMap(({ requests }, i) => requests.slice(froms[i]).filter((request) => /\nEVAL(SHA)?\r/.test(request)));
    },
    async stop() {
      await port.close();
      await Promise.all([...ways, ...(sentinel ? [sentinel] : [])].map((way) => way.stop()));
    },
  };
}
