/** The smallest Worker that enqueues by an `@upstash/redis` instance: what it weighs is what asynqjs and that library cost together. */
import { Client, Task } from "@asynqjs/client-edge/upstash";
import { Redis } from "@upstash/redis/cloudflare";

let client: Client | undefined;

export default {
  async fetch(request: Request, { url, token }: { readonly url: string; readonly token: string }): Promise<Response> {
    client ??= new Client({ redis: new Redis({ url, token }) });
    const { id } = await client.enqueue(new Task("email:welcome", await request.text()));
    return new Response(id);
  },
};
