/** The Worker of `enqueue.test.ts`: one client per way for the whole module, made while it loads. */
import { env } from "cloudflare:workers";
import { Client, type EnqueueError, Task } from "@asynqjs/client-edge";
import { Client as UpstashClient } from "@asynqjs/client-edge/upstash";
import { Redis } from "@upstash/redis/cloudflare";

const url = env.REDIS_URL!;
const token = env.REDIS_TOKEN!;
// The pause before another try is a random part of some milliseconds: of none, here.
const random = { float: () => 0, bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
// A busy machine may take longer to answer a hundred requests than a user would wait.
const patient = { random, timeoutMs: 60_000, tryTimeoutMs: 60_000 };

const clients: Readonly<Record<string, Client>> = {
  fetch: new Client({ url, token, ...patient }),
  upstash: new UpstashClient({ redis: new Redis({ url, token }), ...patient }),
  nowhere: new Client({ url: env.NOWHERE_URL!, token, ...patient }),
};

export default {
  async fetch(request: Request): Promise<Response> {
    const [, way, id] = new URL(request.url).pathname.split("/");
    try {
      const task = new Task("edge:task", new Uint8Array(await request.arrayBuffer()));
      const info = await clients[way!]!.enqueue(task, { taskId: id, uniqueTtlSec: 60 });
      return Response.json({ userAgent: navigator.userAgent, id: info.id, state: info.state });
    } catch (error) {
      const { code, message, delivered } = error as EnqueueError & { readonly delivered?: string };
      return Response.json({ code, message, delivered }, { status: 500 });
    }
  },
};
