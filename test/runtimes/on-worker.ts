/** For workerd: the setting is the body, the answers are the response. */
import { runCases } from "./cases.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    return Response.json(await runCases((await request.json()) as Parameters<typeof runCases>[0]));
  },
};
