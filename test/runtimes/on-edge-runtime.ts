/** For Vercel's edge-runtime, which knows no modules: the setting is the body, the answers are the response. */
import worker from "./on-worker.ts";

interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

declare function addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;

addEventListener("fetch", (event) => event.respondWith(worker.fetch(event.request)));
