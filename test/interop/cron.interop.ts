import { CronSpecError } from "@asynqjs/core/errors";
import { slotsBetween } from "@asynqjs/cron-fn";
import { drawCronQuestions } from "./draw-cron-questions.ts";
import type { CronAnswer, CronQuestion } from "./go-peer.ts";
import { expect, onGo } from "./interop-test.ts";

const [questionCount, seed] = [10_000, 2026];

/** Our reading; a prefix that nothing follows is an error where Go panics. */
function ourAnswer({ spec, timeZone, afterSec, count }: CronQuestion): Omit<CronAnswer, "panics"> {
  try {
    return { slots: slotsBetween({ spec, timeZone, anchorSec: afterSec }, afterSec, Number.POSITIVE_INFINITY, count) };
  } catch (error) {
    expect(error).toBeInstanceOf(CronSpecError);
    return { slots: [], error: (error as CronSpecError).message };
  }
}

onGo(["v0.26.0"], (test) => {
  test(`${questionCount} drawn cron specs are due when Go's are, or refused with the same words`, async ({ go }) => {
    const questions = drawCronQuestions(questionCount, seed);
    const answers = await go.nextTimes(questions);

    const counted = { due: 0, never: 0, refused: 0, panicked: 0, withSeconds: 0 };
    for (const [i, question] of questions.entries()) {
      const { standard, withSeconds } = answers[i]!;
      const ours = ourAnswer(question);
      if (withSeconds.panics) {
        counted.panicked++;
        expect(ours.error, question.spec).toMatch(/^provided bad location .*: no space after it$/s);
        continue;
      }
      const { panics: _, ...gos } = withSeconds;
      expect(ours, JSON.stringify(question)).toEqual(gos);
      // Asynq's own parser says the same but where it counts the fields.
      if (standard.error?.startsWith("expected exactly 5 fields") !== true) expect(withSeconds).toEqual(standard);
      else if (gos.error === undefined) counted.withSeconds++;
      if (gos.error !== undefined) counted.refused++;
      else if (gos.slots.length === 0) counted.never++;
      else counted.due++;
    }
    console.log(`cron specs: ${JSON.stringify(counted)}`);
    expect(counted.due).toBeGreaterThan(questionCount / 2);
    expect(counted.refused).toBeGreaterThan(questionCount / 10);
    for (const count of Object.values(counted)) expect(count).toBeGreaterThan(0);
  });
});
