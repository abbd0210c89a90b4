/** Runs the tasks. A handler that throws is tried again later. */
import { ServeMux, Server } from "@asynqjs/worker-node";
import { report, welcome } from "./tasks.ts";

const mux = new ServeMux();

mux.handle(welcome, async (task) => {
  const { to } = task.json();
  console.log(`welcome, ${to}`);
});

mux.handle(report, async (task) => {
  const { of } = task.json();
  console.log(`the report of the ${of}`);
});

// Until SIGTERM or Ctrl-C: then it takes no more, and has 8 s to finish what it has.
await new Server(process.env.REDIS_URI!, { concurrency: 10 }).run(mux);
