type Close = () => Promise<unknown>;

/**
 * Opens parts one after the other; `work` hands over how to close each as soon as it is open. They are closed in the
 * reverse order: at once when `work` rejects, which is passed on, else when asked. A part that does not close keeps no
 * other from closing; the first such failure is thrown at the end.
 */
export async function openParts<T>(
  work: (opened: (close: Close) => void) => Promise<T>,
): Promise<T & { close(): Promise<void> }> {
  const closers: Close[] = [];
  try {
    const parts = await work((close) => closers.push(close));
    return { ...parts, close: () => closeAll(closers) };
  } catch (error) {
    await closeAll(closers).catch(() => undefined);
    throw error;
  }
}

async function closeAll(closers: Close[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.splice(0).reverse()) await close().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
