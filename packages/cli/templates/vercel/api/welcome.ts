/** `POST /api/welcome`: enqueues, and answers at once. */
import { Client, Task } from "@asynqjs/client-edge";
import type { Welcome } from "../src/tasks.ts";

const client = new Client({ url: process.env.REDIS_URL!, token: process.env.REDIS_TOKEN! });

export async function POST(request: Request): Promise<Response> {
  const { to } = (await request.json()) as { to?: unknown };
  if (typeof to !== "string") return Response.json({ error: "to whom?" }, { status: 400 });
  const task = new Task("email:welcome", { to } satisfies Welcome);
  const { id, state } = await client.enqueue(task, { maxRetry: 5, timeoutSec: 60 });
  return Response.json({ id, state }, { status: 202 });
}
