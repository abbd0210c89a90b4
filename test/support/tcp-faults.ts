import { connect, createServer, type Socket } from "node:net";

/** What happens to the next request that comes through. */
export type TcpFault =
  /** The request never arrives; the connection is cut. */
  | "drop-request"
  /** The request is carried out, its answer is lost; the connection is cut. */
  | "drop-reply"
  /** The request is carried out, the connection is cut in the middle of its answer. */
  | "half-reply"
  /** The request is carried out, its answer never comes, the connection stays open. */
  | "hold-reply";

/** A way to a TCP server that loses what it is told to lose. */
export interface TcpFaults {
  readonly port: number;
  /** Strikes at the next request whose bytes contain `when`, then lets everything pass again. */
  next(fault: TcpFault, when?: string): void;
  /** Keeps back the answers to all requests whose bytes contain `when`, until what it answers is called. */
  hold(when: string): () => void;
  /** What came from clients, in order, as latin-1. */
  readonly requests: readonly string[];
  /** How many connections were made. */
  readonly connections: number;
  /** Cuts every connection there is. */
  cut(): void;
  stop(): Promise<void>;
}

export async function tcpFaults(target: { readonly port: number }): Promise<TcpFaults> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let armed: { fault: TcpFault; when: string } | undefined;
  let holding: { readonly when: string; readonly answers: (() => void)[] } | undefined;
  let connections = 0;
  const server = createServer((client) => {
    connections++;
    const upstream = connect(target.port, "127.0.0.1");
    let struck: TcpFault | undefined;
    let held: (() => void)[] | undefined;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes): void => {
      requests.push(bytes.toString("latin1"));
      if (armed !== undefined && bytes.includes(armed.when)) {
        struck = armed.fault;
        armed = undefined;
        if (struck === "drop-request") {
          client.destroy();
          return;
        }
      }
      if (holding !== undefined && bytes.includes(holding.when)) held = holding.answers;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (held !== undefined) held.push(() => client.write(bytes));
      else if (struck === undefined) client.write(bytes);
      else if (struck === "drop-reply") client.destroy();
      else if (struck === "half-reply") client.write(bytes.subarray(0, bytes.length / 2), () => client.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    next(fault, when = "") {
      armed = { fault, when };
    },
    hold(when) {
      const answers: (() => void)[] = [];
      holding = { when, answers };
      return () => {
        holding = undefined;
        for (const answer of answers.splice(0)) answer();
      };
    },
    requests,
    get connections() {
      return connections;
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
