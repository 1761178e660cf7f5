import { ALERT, STATUS } from '../protocol/message/codes.ts';
import type { OutgoingAlert } from '../protocol/session/client-types.ts';

/** Type of the alert that ends an update. It is the vendor's own, as FUMO's is of that object alone. [DMPROTO 8.7] */
export const UPDATE_ALERT_TYPE = 'org.example.demo.updatecomplete';

const NONE: readonly OutgoingAlert[] = [];

/** Updates of a device whose end its server has not heard of yet. */
export class Updates {
  #pending = NONE;
  #started = 0;

  /** Starts one, asked for by an Exec of `locUri` with this Correlator. */
  start(locUri: string, correlator: string | undefined): void {
    this.#started += 1;
    this.#pending = [...this.#pending, { ref: `update ${this.#started}`, alert: alertOf(locUri, correlator) }];
  }

  /** What is to be said in the next session. */
  get pending(): readonly OutgoingAlert[] {
    return this.#pending;
  }

  /** A Status for an alert arrived; any other than 200 and 202 leaves it to be said again. */
  answered(ref: string, status: number): void {
    if (status !== STATUS.ok && status !== STATUS.accepted) return;
    this.#pending = this.#pending.filter((update) => update.ref !== ref);
  }
}

/** A Correlator goes back exactly when one came. [DMPROTO 8.7] */
function alertOf(locUri: string, correlator: string | undefined): OutgoingAlert['alert'] {
  const meta = { type: UPDATE_ALERT_TYPE, format: 'int' };
  return {
    kind: 'Alert',
    code: ALERT.generic,
    correlator,
    items: [{ source: { locUri }, meta, data: String(STATUS.ok) }],
  };
}
