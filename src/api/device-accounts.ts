import { z } from 'zod';
import { digestOf } from '../protocol/auth/digest.ts';
import { DmError } from '../protocol/errors.ts';
import { accountLineSchema, type AccountLine } from '../store/account-line.ts';
import type { Device, NewDevice } from '../store/devices.ts';
import { isoTime } from './shapes.ts';

/** An account as the API shows it, with nothing secret. */
export const deviceSchema = z.object({
  deviceId: z.string(),
  userName: z.string(),
  scheme: z.string(),
  serverId: z.string(),
  serverScheme: z.string(),
  notify: z.string().nullable(),
  maxMsgBytes: z.int().nullable(),
  maxObjBytes: z.int().nullable(),
  /** Until when the secrets before a rotation are good, unless the device uses the new ones. */
  graceUntil: z.string().nullable(),
  decommissionedAt: z.string().nullable(),
  man: z.string().nullable(),
  mod: z.string().nullable(),
  dmV: z.string().nullable(),
  lang: z.string().nullable(),
  fwV: z.string().nullable(),
  swV: z.string().nullable(),
  hwV: z.string().nullable(),
  lastSeenAt: z.string().nullable(),
});

/** An account as the gateway keeps it: digests, and a plain secret only where the gateway itself must send basic. */
export function newDevice(line: AccountLine): NewDevice {
  return {
    deviceId: line.deviceId,
    client: {
      scheme: line.scheme,
      name: line.userName,
      digest: digestOf(line.userName, line.secret),
      password: undefined,
      nonce: Buffer.from(line.clientNonce, 'base64'),
    },
    server: {
      scheme: line.serverScheme,
      name: line.serverId,
      digest: digestOf(line.serverId, line.serverSecret),
      password: line.serverScheme === 'basic' ? line.serverSecret : undefined,
      nonce: Buffer.from(line.serverNonce, 'base64'),
    },
    notify: line.notify,
    notificationVersion: line.notificationVersion,
    maxMsgBytes: line.maxMsgBytes,
    maxObjBytes: line.maxObjBytes,
  };
}

/** Reads an accounts file; a bad line is refused by its number, without showing its content. Throws `DmError` API_BAD_REQUEST. */
export function parseAccountLines(text: string): NewDevice[] {
  const devices: NewDevice[] = [];
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new DmError('API_BAD_REQUEST', `line ${number}: is not JSON`);
    }
    const parsed = accountLineSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new DmError('API_BAD_REQUEST', `line ${number}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
    }
    devices.push(newDevice(parsed.data));
  }
  return devices;
}

export function deviceShape(device: Device): z.infer<typeof deviceSchema> {
  const { inventory } = device;
  return {
    deviceId: device.deviceId,
    userName: device.client.name,
    scheme: device.client.scheme,
    serverId: device.server.name,
    serverScheme: device.server.scheme,
    notify: device.notify ?? null,
    maxMsgBytes: device.maxMsgBytes ?? null,
    maxObjBytes: device.maxObjBytes ?? null,
    graceUntil: isoTime(device.former?.until),
    decommissionedAt: isoTime(device.decommissionedAt),
    man: inventory.man ?? null,
    mod: inventory.mod ?? null,
    dmV: inventory.dmV ?? null,
    lang: inventory.lang ?? null,
    fwV: inventory.fwV ?? null,
    swV: inventory.swV ?? null,
    hwV: inventory.hwV ?? null,
    lastSeenAt: isoTime(device.lastSeenAt),
  };
}
