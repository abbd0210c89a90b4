/** The shop's front: a Cloudflare Worker that turns HTTP requests into tasks. It waits for no handler: an answer takes one call to Redis. */
import { Client, type EnqueueOptions, type EnqueueOutcome, Task } from "@asynqjs/client-edge";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { Hono } from "hono";
import {
  type MailPayload,
  mailType,
  type ReviewPayload,
  reviewType,
  type ShopQueue,
  type ThumbnailPayload,
  thumbnailType,
} from "../shop.ts";
import { shopClock } from "../shop-clock.ts";
import { email, filename, integers, readJson, text, wholeNumber } from "./read-json.ts";
import { refuse } from "./refuse.ts";

interface Bindings {
  readonly REDIS_HTTP_URL: string;
  readonly REDIS_HTTP_TOKEN: string;
  readonly OPENED_AT_MS: string;
}

/** What a 202 says. */
export interface Accepted {
  readonly tasks: readonly { readonly id: string; readonly queue: string; readonly type: string; readonly state: string }[];
}

type ShopOptions = EnqueueOptions & { readonly queue: ShopQueue };

const app = new Hono<{ Bindings: Bindings }>();

// Once a module, not once a request: all requests of this Worker share its connections and call records.
let shared: Client | undefined;
function client({ REDIS_HTTP_URL: url, REDIS_HTTP_TOKEN: token, OPENED_AT_MS }: Bindings): Client {
  // A way of its own, so that requests are timed by the machine's clock and tasks by the shop's.
  shared ??= new Client({ redis: fetchRedis({ url, token }), clock: shopClock(Number(OPENED_AT_MS)) });
  return shared;
}

app.post("/pictures", async (c) => {
  const body = await readJson(c.req.raw);
  const picture = filename(body, "name");
  const tasks = integers(body, "widths", { least: 16, most: 2_000, howMany: 20 }).map((widthPx) => ({
    task: new Task(thumbnailType, { picture, widthPx } satisfies ThumbnailPayload),
    // Kept for a day once it is done, so that its result can be read.
    options: { queue: "shop-pictures", maxRetry: 3, timeoutSec: 300, retentionSec: 86_400 } satisfies ShopOptions,
  }));
  return c.json(accepted(await client(c.env).enqueueMany(tasks)), 202);
});

app.post("/orders", async (c) => {
  const body = await readJson(c.req.raw);
  const [to, item, quantity] = [email(body, "to"), text(body, "item"), wholeNumber(body, "quantity", { least: 1, most: 99 })];
  const mail = { to, subject: `Your order: ${quantity} × ${item}`, text: `Thank you! ${quantity} × ${item} will be on the way tomorrow.` };
  return c.json(await send(c.env, mail, { queue: "shop-orders", maxRetry: 5 }), 202);
});

app.post("/reminders", async (c) => {
  const body = await readJson(c.req.raw);
  const [to, about, inSec] = [email(body, "to"), text(body, "about"), wholeNumber(body, "inSec", { least: 0, most: 86_400 })];
  const mail = { to, subject: `Reminder: ${about}`, text: `You asked us to remind you: ${about}.` };
  return c.json(await send(c.env, mail, { queue: "shop-reminders", processInSec: inSec, maxRetry: 5 }), 202);
});

app.post("/newsletters", async (c) => {
  const body = await readJson(c.req.raw);
  const [to, issue] = [email(body, "to"), text(body, "issue")];
  const mail = { to, subject: `The shop's letter: ${issue}`, text: `What is new in the shop, ${issue} issue.` };
  // Goes out in a minute; whoever clicks again until then gets a 409, not a second letter.
  return c.json(await send(c.env, mail, { queue: "shop-newsletters", processInSec: 60, uniqueTtlSec: 3_600 }), 202);
});

app.post("/reviews", async (c) => {
  const body = await readJson(c.req.raw);
  const [picture, words] = [filename(body, "name"), text(body, "words")];
  const stars = wholeNumber(body, "stars", { least: 1, most: 5 });
  const review = new Task(reviewType, { picture, stars, words } satisfies ReviewPayload);
  // Nobody reads a mail for each of them: those of one picture wait for each other.
  const info = await client(c.env).enqueue(review, { queue: "shop-desk", group: picture } satisfies ShopOptions);
  return c.json(accepted([{ info }]), 202);
});

app.get("/", (c) => c.text("POST /pictures, /orders, /reminders, /newsletters or /reviews, JSON; demo/README.md shows how.\n"));

app.onError((error) => refuse(error));

async function send(bindings: Bindings, mail: MailPayload, options: ShopOptions): Promise<Accepted> {
  return accepted([{ info: await client(bindings).enqueue(new Task(mailType, mail), options) }]);
}

/** One that was refused fails the request: the others are tasks all the same, and a picture may be asked for again. */
function accepted(outcomes: readonly EnqueueOutcome[]): Accepted {
  return {
    tasks: outcomes.map(({ info, error }) => {
      if (error !== undefined) throw error;
      const { id, queue, type, state } = info;
      return { id, queue, type, state };
    }),
  };
}

export default app;
