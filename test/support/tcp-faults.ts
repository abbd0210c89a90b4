import type { Socket } from "node:net";
import { tcpProxy } from "./tcp-proxy.ts";

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

/** What passes no more, while every connection stays open, as where a network is parted. */
export type Silence = "none" | "requests" | "answers" | "both";

/** A way to a TCP server that loses what it is told to lose. */
export interface TcpFaults {
  readonly port: number;
  /**
   * Strikes at the next request whose bytes contain `when`, or at a later one if the first so many are to pass, then lets everything pass
   * again; `onStrike` is called at that very moment.
   */
  next(fault: TcpFault, when?: string, more?: { readonly pass?: number; readonly onStrike?: () => void }): void;
  /** From now on a request takes so long to arrive, asked anew for each piece; none overtakes another of its connection. */
  slow(delayMs: () => number): void;
  /** Keeps back the answers to all requests whose bytes contain `when`, until what it answers is called. */
  hold(when: string): () => void;
  /** From now on nothing passes that way; what came meanwhile passes when it ends, as TCP sends again. */
  silence(what: Silence): void;
  /** What came from clients, in order, as latin-1. */
  readonly requests: readonly string[];
  /** How many connections were made. */
  readonly connections: number;
  /** Cuts every connection there is. */
  cut(): void;
  stop(): Promise<void>;
}

/** `keep`: whether `requests` holds what came. */
export async function tcpFaults(target: { readonly port: number }, { keep = true } = {}): Promise<TcpFaults> {
  const requests: string[] = [];
  let holding: { readonly when: string; readonly answers: (() => void)[] } | undefined;
  let armed: { fault: TcpFault; when: string; pass: number; onStrike: (() => void) | undefined } | undefined;
  let connections = 0;
  let delayMs = (): number => 0;
  let silence: Silence = "none";
  const pumps = new Set<() => void>();

  /** Writes in order, each piece when it is due and its way is not silent. */
  function inTime(socket: Socket, way: "requests" | "answers"): (bytes: Buffer) => void {
    const waiting: { readonly bytes: Buffer; readonly dueMs: number }[] = [];
    const pump = (): void => {
      while (silence !== way && silence !== "both" && waiting.length > 0) {
        const leftMs = waiting[0]!.dueMs - performance.now();
        if (leftMs > 0) return void setTimeout(pump, leftMs);
        socket.write(waiting.shift()!.bytes);
      }
    };
    pumps.add(pump);
    socket.on("close", () => pumps.delete(pump));
    return (bytes) => {
      waiting.push({ bytes, dueMs: performance.now() + (way === "requests" ? delayMs() : 0) });
      pump();
    };
  }

  const { port, sockets, stop } = await tcpProxy(target.port, (client, upstream) => {
    connections++;
    let struck: TcpFault | undefined;
    let held: (() => void)[] | undefined;
    let lost: (() => void) | undefined;
    const [ask, answer] = [inTime(upstream, "requests"), inTime(client, "answers")];
    client.on("data", (bytes): void => {
      if (keep) requests.push(bytes.toString("latin1"));
      if (armed !== undefined && bytes.includes(armed.when) && armed.pass-- <= 0) {
        struck = armed.fault;
        lost = armed.onStrike;
        armed = undefined;
        if (struck === "drop-request") {
          lost?.();
          client.destroy();
          return;
        }
      }
      if (holding !== undefined && bytes.includes(holding.when)) held = holding.answers;
      ask(bytes);
    });
    upstream.on("data", (bytes) => {
      if (held !== undefined) held.push(() => answer(bytes));
      else if (struck === undefined) answer(bytes);
      else if (struck === "drop-reply") client.destroy();
      else if (struck === "half-reply") client.write(bytes.subarray(0, bytes.length / 2), () => client.destroy());
      lost?.();
      lost = undefined;
    });
  });
  return {
    port,
    next(fault, when = "", { pass = 0, onStrike } = {}) {
      armed = { fault, when, pass, onStrike };
    },
    slow(ms) {
      delayMs = ms;
    },
    silence(what) {
      silence = what;
      for (const pump of pumps) pump();
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
    stop,
  };
}
