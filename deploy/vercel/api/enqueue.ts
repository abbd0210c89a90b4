/** Makes tasks of requests: `POST /api/enqueue`, by callers that know a secret, or sign with it. */
import { Client } from "@asynqjs/client-edge";
import { enqueueEndpoint } from "@asynqjs/client-edge/hono";
import { Hono } from "hono";

let client: Client | undefined;
const app = new Hono();

app.all(
  "/api/enqueue",
  enqueueEndpoint({
    client: () => (client ??= new Client({ url: process.env.REDIS_URL!, token: process.env.REDIS_TOKEN! })),
    // Who may enqueue what: yours to change. What is not named is refused.
    callers: () => [
      {
        name: "app",
        secrets: [process.env.ENQUEUE_SECRET, process.env.ENQUEUE_SECRET_OLD],
        types: ["email:*", "image:resize"],
        queues: ["critical", "default"],
      },
    ],
    maxBodyBytes: 65_536,
    onHidden: (error) => console.error(`enqueue: ${(error as { code?: string }).code ?? "failed"}`),
  }),
);

export const POST = (request: Request): Response | Promise<Response> => app.fetch(request);
// Told that it is POST.
export const GET = POST;
