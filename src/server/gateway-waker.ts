/** What a waker needs from its surroundings. */
interface WakerPorts {
  /** Sends package #0 to the gateway; attempts count from 1 for each call that goes unanswered. Never rejects. */
  notify(attempt: number): Promise<void>;
  /** Calls back once, after `delayMs`; answers how to call it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Makes a gateway come for the work that waits for it. */
export interface GatewayWaker {
  /** There is work: notify, and again with back-off until a session is there. */
  wake(): void;
  sessionOpened(): void;
  /** A session ended; `workLeft` says whether another one is needed. */
  sessionEnded(workLeft: boolean): void;
  /** Notifies no more. */
  close(): void;
}

/**
 * A waker that nothing was asked of yet. For a gateway that cannot be notified it only waits: that one polls. Sessions
 * that end with work left, one after the other, are asked for more and more slowly: something goes wrong in them.
 */
export function createGatewayWaker(
  isNotifiable: boolean,
  retry: { readonly firstMs: number; readonly maxMs: number },
  ports: WakerPorts,
): GatewayWaker {
  let openSessions = 0;
  /** Sessions in a row that left work behind. */
  let inVain = 0;
  let isClosed = false;
  let cancelNext: (() => void) | undefined;

  /** Wait after so many attempts or sessions in vain. */
  function delayMs(count: number): number {
    return Math.min(retry.firstMs * 2 ** (count - 1), retry.maxMs);
  }

  function stop(): void {
    cancelNext?.();
    cancelNext = undefined;
  }

  function attempt(count: number): void {
    void ports.notify(count);
    cancelNext = ports.after(delayMs(count), () => attempt(count + 1));
  }

  function mayNotify(): boolean {
    return isNotifiable && !isClosed && openSessions === 0;
  }

  return {
    wake() {
      if (mayNotify() && cancelNext === undefined) attempt(1);
    },
    sessionOpened() {
      openSessions++;
      stop();
    },
    sessionEnded(workLeft) {
      openSessions = Math.max(0, openSessions - 1);
      if (!workLeft) inVain = 0;
      if (!workLeft || !mayNotify() || cancelNext !== undefined) return;
      inVain++;
      if (inVain === 1) attempt(1);
      else cancelNext = ports.after(delayMs(inVain - 1), () => attempt(1));
    },
    close() {
      isClosed = true;
      stop();
    },
  };
}
