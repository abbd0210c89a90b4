/** Makes tasks of requests: `POST /` with `{"type": "email:welcome", "payload": {…}}` and a bearer secret. */
import { Client, type EnqueueOptions, Task } from "@asynqjs/client-edge";

interface Env {
  readonly REDIS_URL: string;
  readonly REDIS_TOKEN: string;
  readonly ENQUEUE_SECRET: string;
}

/** What may be enqueued, and how: yours to change. What is not here is refused. */
const taskTypes: Readonly<Record<string, EnqueueOptions>> = {
  "email:welcome": { queue: "critical", maxRetry: 5, timeoutSec: 60 },
  "image:resize": { queue: "default", timeoutSec: 300 },
};

const maxBodyBytes = 65_536;

let client: Client | undefined;

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method !== "POST") return refuse(405, "expected POST", { Allow: "POST" });
    if (!(env.ENQUEUE_SECRET?.length >= 32)) return refuse(503, "ENQUEUE_SECRET is not set, or too short");
    const [, presented = ""] = /^Bearer (.+)$/.exec(request.headers.get("Authorization") ?? "") ?? [];
    if (!(await isSame(presented, env.ENQUEUE_SECRET))) return refuse(401, "unauthorized", { "WWW-Authenticate": "Bearer" });

    if (!(Number(request.headers.get("Content-Length") ?? maxBodyBytes) <= maxBodyBytes)) return refuse(413, "too large");
    const body = await request.arrayBuffer();
    if (body.byteLength > maxBodyBytes) return refuse(413, "too large");
    const asked = parse(new TextDecoder().decode(body));
    const options = typeof asked?.type === "string" && Object.hasOwn(taskTypes, asked.type) ? taskTypes[asked.type] : undefined;
    if (asked === undefined || options === undefined) return refuse(400, "expected a type that may be enqueued, and its payload");

    try {
      client ??= new Client({ url: env.REDIS_URL, token: env.REDIS_TOKEN });
      // The id of the request's sender makes a request that is sent again no second task.
      const taskId = request.headers.get("Idempotency-Key") ?? undefined;
      const { id, state } = await client.enqueue(new Task(asked.type as string, asked.payload), { ...options, taskId });
      return Response.json({ id, state }, { status: 202 });
    } catch (error) {
      const { code } = error as { readonly code?: string };
      if (code === "TASK_ID_CONFLICT" || code === "DUPLICATE_TASK") return refuse(409, "it is there already");
      if (code === "INVALID_OPTION") return refuse(400, "no such Idempotency-Key or payload can be stored");
      console.error(`enqueue: ${code ?? "failed"}`);
      return refuse(503, "not enqueued, or not known to be: try again with the same Idempotency-Key", { "Retry-After": "1" });
    }
  },
};

function parse(text: string): { readonly type?: unknown; readonly payload?: object } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Compares digests, which are equally long and of whose bytes nobody can choose the first that differs. */
async function isSame(a: string, b: string): Promise<boolean> {
  const digests = await Promise.all([a, b].map((text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
  const [x, y] = digests.map((digest) => new Uint8Array(digest));
  return x!.reduce((differing, byte, i) => differing | (byte ^ y![i]!), 0) === 0;
}

function refuse(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ error }, { status, headers });
}
