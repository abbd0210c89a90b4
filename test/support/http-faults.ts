import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to a request that comes through. */
export type HttpFault =
  /** It never arrives; the connection is reset. */
  | "reset"
  /** It is carried out, its answer is lost; the connection is reset. */
  | "drop-reply"
  /** It is carried out, and the connection ends in the middle of its answer. */
  | "half-reply"
  /** It is carried out, its answer never comes, the connection stays open. */
  | "hold-reply"
  /** Nothing. */
  | "pass"
  /** It is carried out, its answer comes when so many requests have come, this one and those before it counted. */
  | { readonly untilRequests: number }
  /** It never arrives; this is the answer. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

/** A request as it came. */
interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A way to an HTTP server that loses what it is told to lose. */
export interface HttpFaults {
  readonly url: string;
  /** What happens to the next requests, one each; those after them pass. */
  next(...faults: HttpFault[]): void;
  /** Every request that came, lost or not, in order. */
  readonly requests: readonly SeenRequest[];
  /** Resolves when an answer is held back. */
  readonly held: Promise<void>;
  stop(): Promise<void>;
}

export async function httpFaults(target: string): Promise<HttpFaults> {
  const requests: SeenRequest[] = [];
  let faults: HttpFault[] = [];
  let hold = (): void => {};
  const held = new Promise<void>((resolve) => {
    hold = resolve;
  });
  const waiting = new Set<() => void>();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    requests.push({ path: request.url ?? "", headers: request.headers, body });
    for (const look of waiting) look();
    const fault = faults.shift() ?? "pass";
    if (fault === "reset") return void response.socket?.resetAndDestroy();
    if (typeof fault === "object" && "status" in fault) return void response.writeHead(fault.status, fault.headers).end(fault.body);
    const answer = await fetch(target + request.url, {
      method: request.method ?? "POST",
      headers: Object.fromEntries(
        Object.entries(request.headers)
          .filter(([name]) => !["host", "connection", "content-length", "transfer-encoding"].includes(name))
          .map(([name, value]) => [name, String(value)]),
      ),
      body,
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (fault === "hold-reply") return hold();
    if (fault === "drop-reply") return void response.socket?.resetAndDestroy();
    response.writeHead(answer.status, { "Content-Type": answer.headers.get("Content-Type") ?? "", "Content-Length": bytes.length });
    if (typeof fault === "object") await requestsCame(fault.untilRequests);
    if (fault !== "half-reply") return void response.end(bytes);
    response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.resetAndDestroy());
  }

  function requestsCame(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (requests.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next(...given) {
      faults = given;
    },
    requests,
    held,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
