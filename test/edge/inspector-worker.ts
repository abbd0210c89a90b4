/** The Worker of `inspector.test.ts`: an inspector on the edge, each of its methods behind its name, and the doctor beside it. */
import { env } from "cloudflare:workers";
import { type ExamineOptions, examine } from "@asynqjs/core/doctor";
import { Inspector } from "@asynqjs/core/inspector";
import { fetchRedis } from "@asynqjs/core/redis/fetch";

const inspector = new Inspector({ redis: fetchRedis({ url: env.REDIS_URL!, token: env.REDIS_TOKEN! }) });

export default {
  async fetch(request: Request): Promise<Response> {
    const method = new URL(request.url).pathname.slice(1);
    const call = inspector[method as keyof Inspector] as unknown as (...args: readonly unknown[]) => Promise<unknown>;
    try {
      const args = (await request.json()) as readonly unknown[];
      if (method === "examine") return Response.json({ answer: await examine(inspector.broker, args[0] as ExamineOptions) });
      return Response.json({ answer: (await call.call(inspector, ...args)) ?? null });
    } catch (error) {
      return Response.json({ code: (error as { code?: string }).code, message: (error as Error).message });
    }
  },
};
