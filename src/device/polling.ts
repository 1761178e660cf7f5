const TICK_MS = 100;

/**
 * Calls `due` once in every interval for each of `count` devices (by index), spread evenly over the interval, until the
 * answered function is called.
 */
export function startPolling(count: number, intervalMs: number, due: (index: number) => void): () => void {
  if (count === 0 || intervalMs === 0) return () => undefined;
  const startedAt = performance.now();
  let polls = 0;
  const timer = setInterval(() => {
    const wanted = Math.floor(((performance.now() - startedAt) * count) / intervalMs);
    // After a stall each device is due once, not once for every interval that was missed.
    polls = Math.max(polls, wanted - count);
    for (; polls < wanted; polls++) due(polls % count);
  }, TICK_MS);
  return () => clearInterval(timer);
}
