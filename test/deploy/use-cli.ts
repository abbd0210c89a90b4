import { runCli } from "../../packages/cli/test/cli-test.ts";

/** Command lines that change nothing. */
const looking = [
  "stats",
  "queue list",
  "queue inspect default",
  "queue history default",
  "queue stats",
  "group list --queue=default",
  "server list",
  "task list --queue=default --state=scheduled",
  "task list --queue=default --state=aggregating --group=g",
  "task inspect --queue=default --id=due",
  "task logs --queue=default --id=due",
  "task search --type=plain",
  "cron list",
  "cron history each-second",
];

/** Command lines that steer, in this order. */
const steering = [
  "queue pause default",
  "queue resume default",
  "task reschedule --queue=default --id=due --process_in=1h",
  "task update-payload --queue=default --id=due --payload={}",
  "task archive --queue=default --id=due",
  "task redrive --queue=default --type=plain",
  "task delete --queue=default --id=due",
  "task cancel a",
  "task enqueue --type_name=plain --payload={} --queue=other",
  "task enqueue --type_name=plain --payload={} --queue=other --process_in=1h --unique=1h",
  "task runall --queue=other --state=scheduled",
  "task archiveall --queue=other --state=pending --yes",
  "task deleteall --queue=other --state=archived --yes",
  "cron add nightly --spec=@daily --type_name=plain --queue=other",
  "cron pause nightly",
  "cron resume nightly",
  "cron run nightly",
  "cron remove nightly --yes",
  "queue remove other --force --yes",
];

/** Runs command lines against a Redis; answers those that failed, with what they said. */
async function failed(lines: readonly string[], url: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const line of lines) {
    const { code, err } = await runCli(line.split(" "), { env: { ASYNQ_REDIS_URL: url } });
    if (code !== 0) wrong.push(`${line}: ${err}`);
  }
  return wrong;
}

export const lookByCli = (url: string): Promise<string[]> => failed(looking, url);
export const steerByCli = (url: string): Promise<string[]> => failed(steering, url);
