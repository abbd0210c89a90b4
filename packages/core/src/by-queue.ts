/** Sorts items into their queues, keeping the order inside each and the place each had among all. */
export function byQueue<T>(items: readonly T[], queueOf: (item: T) => string): Map<string, { readonly item: T; readonly at: number }[]> {
  const queues = new Map<string, { readonly item: T; readonly at: number }[]>();
  for (const [at, item] of items.entries()) {
    const queue = queueOf(item);
    const ofQueue = queues.get(queue) ?? [];
    queues.set(queue, ofQueue);
    ofQueue.push({ item, at });
  }
  return queues;
}
