import { connect, createServer } from "node:net";

/** A port of the loopback that nobody listens on: the one that is wanted, or any for 0. `undefined` where it is taken. */
export async function freePort(wanted: number): Promise<number | undefined> {
  const server = createServer();
  const port = await new Promise<number | undefined>((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(wanted, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" ? address?.port : undefined);
    });
  });
  if (port !== undefined) await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What who listens there answers to PING: `+PONG` of a Redis that is ready; nothing where none listens or it keeps silent. */
export function ping(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1_000 }, () => socket.write("PING\r\n"));
    const end = (answer: string): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => end(data.toString("latin1")));
    for (const event of ["error", "timeout", "close"]) socket.once(event, () => end(""));
  });
}
