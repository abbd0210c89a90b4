import { connect, createServer, type Socket } from "node:net";

/** A Sentinel that names other ports for some Redis, as one does behind a NAT. */
export interface SentinelDetour {
  readonly port: number;
  stop(): Promise<void>;
}

/** Each of its answers is put right in one piece: those of a Sentinel to us are short. */
export async function sentinelDetour(sentinel: number, detours: ReadonlyMap<number, number>): Promise<SentinelDetour> {
  const bulk = (port: number): string => `$${String(port).length}\r\n${port}\r\n`;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(sentinel, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => upstream.write(bytes));
    upstream.on("data", (bytes) => {
      let text = bytes.toString("latin1");
      for (const [from, to] of detours) text = text.replace(bulk(from), bulk(to));
      client.write(text, "latin1");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
