/** Runs the tasks, on a machine of yours. A handler that throws is tried again later. */
import { ServeMux, Server } from "@asynqjs/worker-node";
import type { Report, Welcome } from "./tasks.ts";

const mux = new ServeMux();

mux.handle("email:welcome", async (task) => {
  const { to } = task.json<Welcome>();
  console.log(`welcome, ${to}`);
});

mux.handle("report:send", async (task) => {
  const { of } = task.json<Report>();
  console.log(`the report of the ${of}`);
});

// Until SIGTERM or Ctrl-C: then it takes no more, and has 8 s to finish what it has.
await new Server(process.env.REDIS_URI!, { concurrency: 10 }).run(mux);
