/** The same way over HTTP: the product's own client and gateway, and what proxies and platforms do between them. @module */

import type { Command, CommandResult, RedisPort } from "@asynqjs/core";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { refusal } from "@asynqjs/core/redis/ioredis";
import type { gatewayApp } from "@asynqjs/gateway";
import { httpFaults, refusals } from "./faults.ts";
import { delayMs, latencyMs, type NetworkParts } from "./network.ts";
import { commandName } from "./redis-side.ts";
import type { SimProcess } from "./sim-process.ts";

export interface HttpParts extends NetworkParts {
  readonly gateway: Pick<ReturnType<typeof gatewayApp>, "fetch">;
  readonly token: string;
}

/** A response that was read, as it will be heard. */
interface Heard {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** The port of a process that reaches Redis through the gateway. */
export function httpPort(parts: HttpParts, process: SimProcess): RedisPort {
  const { clock, random } = process;
  return fetchRedis({
    url: "http://gateway.test",
    token: parts.token,
    clock,
    random,
    fetch: (url, init) => send(parts, process, url, init),
  });
}

function send(parts: HttpParts, process: SimProcess, url: string, init: RequestInit): Promise<Response> {
  const { world, faults } = parts;
  const body = init.body as string;
  const commands = JSON.parse(body) as Command[];
  const name = [...new Set(commands.map(commandName))].join("+");

  return new Promise((resolve, reject) => {
    init.signal!.addEventListener("abort", () => reject(init.signal!.reason));
    const hear = ({ status, body: text, headers = {} }: Heard): void => {
      const happen = (): void => resolve(new Response(text, { status, headers }));
      world.later({ what: `${process.name} <- HTTP ${name}`, process, afterMs: latencyMs(world), happen });
    };
    const fail = (code: string): void => {
      const happen = (): void => reject(new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) }));
      world.later({ what: `${process.name} <- HTTP ${name} ${code}`, process, afterMs: latencyMs(world), happen });
    };
    const later = (afterMs: number, arrive: () => Promise<string>): void =>
      void world.later({ what: `${process.name} -> HTTP ${name}`, afterMs, happen: arrive });
    const carryOut = async (some = commands): Promise<Heard> => {
      await parts.redis.meet(some);
      const request = new Request(url, { method: "POST", headers: init.headers!, body: JSON.stringify(some) });
      const response = await parts.gateway.fetch(request);
      const text = await response.text();
      parts.carriedOut(some, readResults(text));
      return { status: response.status, body: text };
    };
    const carryOutAndHear = async (): Promise<string> => {
      const heard = await carryOut();
      hear(heard);
      return `${heard.status} ${heard.body.length} characters`;
    };

    later(latencyMs(world), async () => {
      if (world.nowMs < faults.awayUntilMs) {
        fail("ECONNREFUSED");
        return "nobody there";
      }
      const fault = faults.ofCall(httpFaults, process.name);
      if (fault !== undefined) faults.count(fault);
      switch (fault) {
        case undefined:
          return carryOutAndHear();
        case "drop request":
          if (world.chance(0.5)) fail(world.pick(["ECONNREFUSED", "ECONNRESET"]));
          return "lost";
        case "drop reply":
          await carryOut();
          faults.followLoss();
          if (world.chance(0.5)) fail("ECONNRESET");
          return "carried out, the answer is lost";
        case "delay":
          later(delayMs(world), carryOutAndHear);
          return "is held up";
        case "duplicate": {
          const heard = await carryOut();
          hear(heard);
          // What was refused is not sent again by whoever is on the way: it was answered.
          if (!heard.body.includes('"error"'))
            later(world.chance(0.5) ? 0 : delayMs(world), async () => `again: ${(await carryOut()).status}`);
          return `carried out, to come again: ${heard.status}`;
        }
        case "429":
          hear({ status: 429, body: "slow down", headers: world.chance(0.5) ? { "Retry-After": String(1 + world.below(3)) } : {} });
          return "429";
        case "500":
          hear({ status: world.pick([500, 502, 503, 504]), body: world.pick(["", "<html>oh</html>", '{"error":"ERR internal error"}']) });
          return "500, not carried out";
        case "500 after":
          await carryOut();
          hear({ status: world.pick([500, 502, 504]), body: "<html>oh</html>" });
          return "500 after it was carried out";
        case "garbled": {
          const { status, body: whole } = await carryOut();
          hear({ status, body: whole.slice(0, world.below(whole.length)) });
          return "carried out, the answer is cut short";
        }
        default: {
          // It may begin in the middle of a pipeline.
          const carried = commands.slice(0, world.pick([0, world.below(commands.length)]));
          const answers = carried.length === 0 ? [] : (JSON.parse((await carryOut(carried)).body) as unknown[]);
          const rest = commands.slice(carried.length).map(() => ({ error: refusals[fault] }));
          hear({ status: 200, body: JSON.stringify([...answers, ...rest]) });
          return `${fault} for ${rest.length} of ${commands.length} commands`;
        }
      }
    });
  });
}

/** What the gateway answers to a pipeline. */
function readResults(body: string): CommandResult[] {
  return (JSON.parse(body) as { readonly result?: unknown; readonly error?: string }[]).map(({ result, error }) => {
    if (error !== undefined) return { error: refusal(error) };
    return { reply: typeof result === "string" ? Buffer.from(result, "base64") : null };
  });
}
