import type { GatewayAccount } from './server.ts';

/** What a waker needs from its surroundings. */
export interface WakerPorts {
  /** Sends package #0 to the gateway. Never rejects. */
  notify(gateway: GatewayAccount): Promise<void>;
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
  close(): void;
}

/** For a gateway without an address this only waits: it polls. */
export function createGatewayWaker(
  gateway: GatewayAccount,
  retry: { readonly firstMs: number; readonly maxMs: number },
  ports: WakerPorts,
): GatewayWaker {
  let openSessions = 0;
  let cancelRetry: (() => void) | undefined;

  function stop(): void {
    cancelRetry?.();
    cancelRetry = undefined;
  }

  function attempt(delayMs: number): void {
    void ports.notify(gateway);
    cancelRetry = ports.after(delayMs, () => attempt(Math.min(delayMs * 2, retry.maxMs)));
  }

  function wake(): void {
    if (openSessions > 0 || cancelRetry !== undefined || gateway.notify === undefined) return;
    attempt(retry.firstMs);
  }

  return {
    wake,
    sessionOpened() {
      openSessions++;
      stop();
    },
    sessionEnded(workLeft) {
      openSessions = Math.max(0, openSessions - 1);
      if (workLeft) wake();
    },
    close: stop,
  };
}
