import type { Random } from "@asynqjs/core";

/** Queue names and their priorities, whole numbers from 1. */
export type QueuePriorities = Readonly<Record<string, number>>;

/**
 * Makes the function that says in which order one fetch looks at the queues: strictly by priority, or by a draw in which a queue of
 * priority 6 is first six times as often as one of priority 1. Decided by priority alone, never by what the queues hold; every queue is
 * in every answer, so none starves while another is empty.
 * @see Asynq processor.go, `queues`, `normalizeQueues`
 */
export function queueOrder(
  queues: QueuePriorities,
  { strict, random }: { readonly strict: boolean; readonly random: Random },
): () => string[] {
  const byPriority = Object.entries(queues).sort(([, a], [, b]) => b - a);
  const names = byPriority.map(([name]) => name);
  if (strict || names.length === 1) return () => names;

  const divisor = byPriority.reduce((sum, [, priority]) => gcd(sum, priority), 0);
  const weighted = byPriority.map(([name, priority]) => ({ name, weight: priority / divisor }));
  return () => draw(weighted, random);
}

interface Weighted {
  readonly name: string;
  readonly weight: number;
}

/**
 * The order of first occurrences in a shuffle of the names, each repeated `weight` times: the same as drawing without putting back,
 * each time among the weights that are left; so a priority of a million costs no more than one of two.
 */
function draw(weighted: readonly Weighted[], random: Random): string[] {
  const left = [...weighted];
  let sum = left.reduce((total, { weight }) => total + weight, 0);
  const order: string[] = [];
  while (left.length > 0) {
    let at = random.float() * sum;
    let i = 0;
    while (i < left.length - 1 && at >= left[i]!.weight) at -= left[i++]!.weight;
    const [{ name, weight }] = left.splice(i, 1) as [Weighted];
    sum -= weight;
    order.push(name);
  }
  return order;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
