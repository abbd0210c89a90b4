/** Makes tasks of requests: `POST /tasks`, by callers that know a secret, or sign with it. */
import { Client } from "@asynqjs/client-edge";
import { enqueueEndpoint } from "@asynqjs/client-edge/hono";
import { Hono } from "hono";

type Env = {
  Bindings: {
    readonly REDIS_URL: string;
    readonly REDIS_TOKEN: string;
    readonly ENQUEUE_SECRET?: string;
    /** The one before, while callers move to the new one. */
    readonly ENQUEUE_SECRET_OLD?: string;
  };
};

let client: Client | undefined;
const app = new Hono<Env>();

app.all(
  "/tasks",
  enqueueEndpoint<Env>({
    client: ({ env }) => (client ??= new Client({ url: env.REDIS_URL, token: env.REDIS_TOKEN })),
    // Who may enqueue what: yours to change. What is not named is refused.
    callers: ({ env }) => [
      {
        name: "app",
        secrets: [env.ENQUEUE_SECRET, env.ENQUEUE_SECRET_OLD],
        types: ["email:*", "image:resize"],
        queues: ["critical", "default"],
      },
    ],
    maxBodyBytes: 65_536,
    onHidden: (error) => console.error(`enqueue: ${(error as { code?: string }).code ?? "failed"}`),
  }),
);

export default app;
