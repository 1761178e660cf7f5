import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { DmError } from '../protocol/errors.ts';
import { accountLineSchema, type AccountLine } from '../store/account-line.ts';
import { seededBytes, seededStream } from './seed.ts';

const SCHEMES = ['md5', 'basic', 'mac'] as const;

/** What the accounts of a made-up fleet are made from. */
export interface GeneratedFleet {
  readonly seed: number;
  readonly count: number;
  /** `mixed`: pairs of devices take turns. */
  readonly auth: 'basic' | 'md5' | 'mac' | 'mixed';
  /** ServerID of the gateway. */
  readonly serverId: string;
}

/**
 * Reads an accounts file: JSON lines of `accountLineSchema`, the file `dmgw device import` reads; empty lines are
 * skipped. Throws `DmError` DEVICE_ACCOUNTS_MALFORMED with the line, or DEVICE_ACCOUNTS_DUPLICATE.
 */
export async function readAccounts(file: string): Promise<readonly AccountLine[]> {
  const accounts = new Map<string, AccountLine>();
  let lineNumber = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    lineNumber += 1;
    if (line.trim() === '') continue;
    const account = parseAccount(line, `${file}:${lineNumber}`);
    if (accounts.has(account.deviceId)) {
      throw new DmError(
        'DEVICE_ACCOUNTS_DUPLICATE',
        `${file}:${lineNumber}: ${account.deviceId} has an account already`,
      );
    }
    accounts.set(account.deviceId, account);
  }
  return [...accounts.values()];
}

/** Writes an accounts file that only its owner can read: the secrets stand in it. */
export async function writeAccounts(file: string, accounts: readonly AccountLine[]): Promise<void> {
  await writeFile(file, accounts.map((account) => `${JSON.stringify(account)}\n`).join(''), { mode: 0o600 });
}

/**
 * Accounts `urn:dev:demo:1` to `urn:dev:demo:<count>`. Whoever knows the seed knows every secret, so they are for
 * loopback only.
 */
export function generateAccounts({ seed, count, auth, serverId }: GeneratedFleet): readonly AccountLine[] {
  const random = seededStream(seed, 'accounts');
  const octets = (): string => Buffer.from(seededBytes(random, 16)).toString('base64');
  return Array.from({ length: count }, (_, index) => {
    const scheme = auth === 'mixed' ? (SCHEMES[((index + seed) >> 1) % SCHEMES.length] ?? 'md5') : auth;
    return {
      deviceId: `urn:dev:demo:${index + 1}`,
      scheme,
      userName: `demo-${index + 1}`,
      secret: octets(),
      clientNonce: octets(),
      serverScheme: scheme,
      serverId,
      serverSecret: octets(),
      serverNonce: octets(),
      notificationVersion: 11,
    };
  });
}

/** The accounts with these notification addresses, which the devices take in turns; none: they poll. */
export function withNotifyAddresses(
  accounts: readonly AccountLine[],
  addresses: readonly string[],
): readonly AccountLine[] {
  return accounts.map((account, index) => ({ ...account, notify: addresses[index % addresses.length] }));
}

/** A cause would quote the line, and with it a secret. */
function parseAccount(line: string, where: string): AccountLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new DmError('DEVICE_ACCOUNTS_MALFORMED', `${where}: not JSON`);
  }
  const parsed = accountLineSchema.safeParse(value);
  if (parsed.success && /^udp:|^$/i.test(parsed.data.notify ?? '')) return parsed.data;
  const problems = parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [
    'notify: simulated devices listen at udp://HOST:PORT only',
  ];
  throw new DmError('DEVICE_ACCOUNTS_MALFORMED', `${where}: ${problems.join('; ')}`);
}
