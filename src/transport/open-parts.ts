type Close = () => Promise<unknown>;

/** Hands over how to close a part that is open. */
export type Opened = (close: Close) => void;

/**
 * Opens parts one after the other; `work` hands over how to close each as soon as it is open. They are closed in the
 * reverse order: at once when `work` rejects, which is passed on, else when asked. A part that does not close keeps no
 * other from closing; `notClosed` is told of each such failure, without it the first one is thrown at the end.
 */
export async function openParts<T extends object>(
  work: (opened: Opened) => Promise<T>,
  notClosed?: (error: unknown) => void,
): Promise<T & { close(): Promise<void> }> {
  const closers: Close[] = [];
  try {
    const parts = await work((close) => closers.push(close));
    // Not a copy: what the parts are asked for may be reckoned at each call.
    return Object.assign(parts, { close: () => closeAll(closers, notClosed) });
  } catch (error) {
    await closeAll(closers, notClosed).catch(() => undefined);
    throw error;
  }
}

async function closeAll(closers: Close[], notClosed: ((error: unknown) => void) | undefined): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.splice(0).reverse()) await close().catch((error: unknown) => failures.push(error));
  if (notClosed) failures.forEach(notClosed);
  else if (failures.length > 0) throw failures[0];
}
