/** The demo: opens a shop of real parts, sends it an evening's requests, and looks at what became of them. `README.md` says what there is. */
import { constants } from "node:os";
import path from "node:path";
import { announcer } from "./draw/announcer.ts";
import { openScreen, type Screen } from "./draw/screen.ts";
import { openShop, type Shop } from "./open-shop.ts";
import { type DemoOptions, readOptions, usage } from "./options.ts";
import { runEvening } from "./run-evening.ts";
import { stayOpen } from "./stay-open.ts";

/** By then the evening is over, or has failed. */
const deadlineMs = 60_000;
/** What hangs beyond that, or while all is closed, keeps nobody waiting longer. */
const closeWithinMs = 15_000;

let options: DemoOptions | undefined;
try {
  options = readOptions(process.argv.slice(2), process.stdout.isTTY);
} catch (error) {
  complain((error as Error).message);
  process.exit(2);
}
if (options === undefined) {
  console.log(usage);
  process.exit(0);
}

const interrupted = new AbortController();
/** A run that was to prove something did not; one that its user ends did all it was for. */
let codeIfInterrupted = 0;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    const code = 128 + constants.signals[signal];
    // The second one does not wait.
    if (interrupted.signal.aborted) process.exit(code);
    if (options.once) codeIfInterrupted = code;
    interrupted.abort();
  });
}
// Whoever read what we say is gone.
process.stdout.on("error", () => interrupted.abort());

process.exit(await demo(options, openScreen(process.stdout)));

/** Runs it; answers the exit code. */
async function demo({ once, killWorker, breakWorker, outDir: elsewhere }: DemoOptions, screen: Screen): Promise<number> {
  const { paint } = screen;
  const outDir = path.resolve(elsewhere ?? path.join(import.meta.dirname, "out"));
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([interrupted.signal, deadline]);
  const announce = announcer(screen);
  const hung = setTimeout(() => process.exit(complain("hangs")), deadlineMs + closeWithinMs);
  let shop: Shop | undefined;
  try {
    screen.redraw([paint("dim", "building the Workers with wrangler …")]);
    shop = await openShop({
      outDir,
      signal,
      onStart: (part, where) => screen.say(`${paint("bold", part.padEnd(12))} ${where}`),
      onRun: announce.onRun,
      onReport: announce.onReport,
    });
    screen.redraw([]);
    const { summary, problems } = await runEvening(shop, { outDir, screen, signal, killWorker, breakWorker });
    clearTimeout(hung);
    if (interrupted.signal.aborted) return codeIfInterrupted;
    if (deadline.aborted) complain(`not done after ${deadlineMs / 1000} s`);
    for (const problem of problems) complain(problem);
    if (once) {
      announce.mute();
      screen.say(JSON.stringify(summary));
    } else await stayOpen(shop, { screen, announce, signal: interrupted.signal, complain });
    return problems.length === 0 ? 0 : 1;
  } catch (error) {
    return interrupted.signal.aborted ? codeIfInterrupted : complain((error as Error).message);
  } finally {
    screen.leaveBlock();
    setTimeout(() => process.exit(complain("hangs")), closeWithinMs);
    await shop?.close();
  }
}

/** Says in one line what is wrong; answers the exit code for it. */
function complain(what: string): number {
  console.error(`demo: ${what.split("\n")[0]}`);
  return 1;
}
