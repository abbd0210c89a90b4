import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import type { Silence, TcpFaults } from "../support/tcp-faults.ts";
import type { WorkerCommand } from "./worker-process.ts";

/** A worker's network, which can be parted from Redis'. */
export interface PartedNetwork {
  readonly kind: "network namespace" | "proxy";
  /** Under which address the worker reaches Redis. */
  readonly host: string;
  readonly port: number;
  /** The command, run in that network. */
  within(command: WorkerCommand): WorkerCommand;
  /** Nothing passes any more that way; every connection stays. */
  part(way: Exclude<Silence, "none">): void;
  /** Everything passes again, also what TCP sends once more. */
  heal(): void;
  end(): void;
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}

/** Where this machine lets us make networks, and lets their packets pass, a namespace of its own; else a proxy. */
export async function partedNetwork(way: TcpFaults, port: number, nth: number): Promise<PartedNetwork> {
  // Linux, as root, with `ip`.
  if (process.getuid?.() !== 0 || spawnSync("ip", ["netns", "list"]).status !== 0) return proxyNetwork(way);
  let network: PartedNetwork | undefined;
  try {
    network = namespaceNetwork(port, nth);
    await reach(network);
    return network;
  } catch (error) {
    console.error(`asynqjs: a proxy in the place of a network namespace: ${(error as Error).message}`);
    network?.end();
    return proxyNetwork(way);
  }
}

/** @throws {Error} no process in a network finds Redis: a container may have namespaces, and a firewall between them */
async function reach({ within, host, port }: PartedNetwork): Promise<void> {
  const connect = `require("node:net").connect(${port}, "${host}", () => process.exit(0)).on("error", () => process.exit(1))`;
  const { file, args } = within({ file: process.execPath, args: ["-e", connect] });
  await promisify(execFile)(file, args, { timeout: 10_000, killSignal: "SIGKILL" });
}

/** What comes for this address at the other end is for nobody there, and is dropped without a word. */
const nobody = "02:00:00:00:00:99";

/** A network namespace, joined to this one by a pair of interfaces; parted by wrong addresses on them. `nth`: no two at once have the same. */
function namespaceNetwork(port: number, nth: number): PartedNetwork {
  const name = `asynqjs-chaos-${process.pid}-${nth}`;
  const [outer, inner] = [`ajc${nth}a`, `ajc${nth}b`];
  const [ours, theirs] = [`10.203.${nth}.1`, `10.203.${nth}.2`];
  const inside = (...args: readonly string[]): void => ip("-n", name, ...args);
  ip("netns", "add", name);
  ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name);
  ip("addr", "add", `${ours}/24`, "dev", outer);
  ip("link", "set", outer, "up");
  inside("addr", "add", `${theirs}/24`, "dev", inner);
  inside("link", "set", inner, "up");
  inside("link", "set", "lo", "up");
  return {
    kind: "network namespace",
    host: ours,
    port,
    within: ({ file, args }) => ({ file: "ip", args: ["netns", "exec", name, file, ...args] }),
    part(way) {
      if (way !== "answers") inside("neigh", "replace", ours, "lladdr", nobody, "dev", inner, "nud", "permanent");
      if (way !== "requests") ip("neigh", "replace", theirs, "lladdr", nobody, "dev", outer, "nud", "permanent");
    },
    heal() {
      spawnSync("ip", ["-n", name, "neigh", "del", ours, "dev", inner]);
      spawnSync("ip", ["neigh", "del", theirs, "dev", outer]);
    },
    end() {
      // Its interfaces go with it.
      spawnSync("ip", ["netns", "del", name]);
    },
  };
}

/** The same as well as it can be done without: a way that holds back what comes. */
function proxyNetwork(way: TcpFaults): PartedNetwork {
  return {
    kind: "proxy",
    host: "127.0.0.1",
    port: way.port,
    within: (command) => command,
    part: (what) => way.silence(what),
    heal: () => way.silence("none"),
    end() {},
  };
}
