/** The Worker of `endpoint.test.ts`: an endpoint as its README shows it, made while the module loads; and what signs requests to it. */
import { Client, Task } from "@asynqjs/client-edge";
import { enqueueEndpoint, tokenBuckets } from "@asynqjs/client-edge/hono";
import { signEnqueueRequest } from "@asynqjs/client-edge/sign";
import { Hono } from "hono";

type Env = { readonly REDIS_URL: string; readonly REDIS_TOKEN: string; readonly SECRET?: string; readonly OLD_SECRET?: string };

let client: Client | undefined;
const app = new Hono<{ Bindings: Env }>();

app.all(
  "/tasks",
  enqueueEndpoint<{ Bindings: Env }>({
    client: ({ env }) => (client ??= new Client({ url: env.REDIS_URL, token: env.REDIS_TOKEN })),
    callers: ({ env }) => [{ name: "shop", secrets: [env.SECRET, env.OLD_SECRET], types: ["email:*"], queues: ["default", "mail"] }],
    rateLimit: tokenBuckets({ tasksPerSec: 0.001, burst: 130 }),
    maxBodyBytes: 10_000,
  }),
);

app.post("/sign", async ({ req, env }) => {
  const request = await signEnqueueRequest("http://worker/tasks", new Task("email:x", await req.text()), { secret: env.SECRET! });
  return Response.json({ headers: Object.fromEntries(request.headers), body: await request.text() });
});

export default app;
