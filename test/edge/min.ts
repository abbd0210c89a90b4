/** The smallest Worker that enqueues: what it weighs is what asynqjs costs at the edge. */
import { Client, Task } from "@asynqjs/client-edge";

let client: Client | undefined;

export default {
  async fetch(request: Request, { url, token }: { readonly url: string; readonly token: string }): Promise<Response> {
    client ??= new Client({ url, token });
    const { id } = await client.enqueue(new Task("email:welcome", await request.text()));
    return new Response(id);
  },
};
