import { type TcpProxy, tcpProxy } from "./tcp-proxy.ts";

/** A Sentinel that names other ports for some Redis, as one does behind a NAT. Each of its answers is put right in one piece: they are short. */
export function sentinelDetour(sentinel: number, detours: ReadonlyMap<number, number>): Promise<TcpProxy> {
  const bulk = (port: number): string => `$${String(port).length}\r\n${port}\r\n`;
  return tcpProxy(sentinel, (client, upstream) => {
    client.on("data", (bytes) => upstream.write(bytes));
    upstream.on("data", (bytes) => {
      let text = bytes.toString("latin1");
      for (const [from, to] of detours) text = text.replace(bulk(from), bulk(to));
      client.write(text, "latin1");
    });
  });
}
