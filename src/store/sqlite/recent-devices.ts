import type { Device } from '../devices.ts';

/** More than have their turn at once by default. */
const MAX_DEVICES = 1_024;

/**
 * Accounts that were read a moment ago: a notification and the session that follows it read the same one. A row of an
 * account takes about as long to read as ten others to write. Whatever writes to accounts forgets them here.
 */
export class RecentDevices {
  /** Oldest first. */
  readonly #byKey = new Map<number, Device>();
  readonly #byDeviceId = new Map<string, Device>();

  byKey(key: number): Device | undefined {
    return this.#byKey.get(key);
  }

  byDeviceId(deviceId: string): Device | undefined {
    return this.#byDeviceId.get(deviceId);
  }

  put(device: Device): void {
    const [oldest] = this.#byKey.keys();
    if (oldest !== undefined && this.#byKey.size >= MAX_DEVICES) this.forget(oldest);
    this.#byKey.set(device.key, device);
    this.#byDeviceId.set(device.deviceId, device);
  }

  forget(key: number): void {
    const device = this.#byKey.get(key);
    if (!device) return;
    this.#byKey.delete(key);
    this.#byDeviceId.delete(device.deviceId);
  }

  clear(): void {
    this.#byKey.clear();
    this.#byDeviceId.clear();
  }
}
