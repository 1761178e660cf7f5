import { describe, expect, it } from 'vitest';
import { device, GET, notification, server } from '../../test/device/dm-server.ts';
import { FakeClock } from '../../test/fanout/fake-clock.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import type { DeviceSetup, Encoding, FaultKind } from './device.ts';

const EXEC: RequestCommand = { kind: 'Exec', cmdId: 'x', items: [{ target: { locUri: './Vendor/Demo/Reset' } }] };
const NESTED: RequestCommand = { kind: 'Sequence', cmdId: 's', commands: [{ ...GET, cmdId: 'b' }] };

/** In both encodings, under a proof for the session and one for each message. */
const FORMS: readonly (readonly [Encoding, 'md5' | 'mac'])[] = [
  ['xml', 'md5'],
  ['wbxml', 'md5'],
  ['xml', 'mac'],
  ['wbxml', 'mac'],
];

/** A device with a fault after a session in which its server had a Get and an Exec for it. */
async function faulty(fault: FaultKind, encoding: Encoding = 'xml', scheme: 'md5' | 'mac' = 'md5') {
  const at = server([GET, EXEC], scheme);
  const made = device({ fault, encoding }, at);
  const report = await made.device.runSession(1200, '1F');
  return { ...made, report };
}

describe('device with a fault', () => {
  it('device: never reacts when it is a silent one', () => {
    const { device: phone } = device({ fault: 'silent' });
    expect(phone.isSilent).toBe(true);
    expect(phone.acceptNotification(notification(1))).toBeUndefined();
  });

  it('device: is refused when its own secret is wrong', async () => {
    const { device: phone, executed, server: at } = device({ fault: 'badauth' });
    expect(phone.acceptNotification(notification(1))).toBe('1');
    expect(await phone.runSession(1200, '1')).toMatchObject({ outcome: { kind: 'refused' }, answered: false });
    expect(at.ended).toEqual(['unauthorized']);
    expect(executed).toEqual([]);
  });

  it('device: answers 500 to everything and executes nothing when it is a failing one', async () => {
    const { device: phone, executed, server: at } = device({ fault: 'error' }, server([GET, NESTED]));
    expect(await phone.runSession(1200, '1')).toMatchObject({ answered: true });
    expect(at.answers).toMatchObject(['a', 's', 'b'].map((cmdRef) => ({ kind: 'Status', cmdRef, code: 500 })));
    expect(executed).toEqual([]);
  });

  it.each(FORMS)('device: executes nothing and closes the connection, in %s under %s', async (encoding, scheme) => {
    const { report, executed, server: at } = await faulty('drop', encoding, scheme);
    expect(report).toMatchObject({ outcome: { kind: 'unreachable' }, answered: false });
    expect(at.answers).toEqual([]);
    expect(executed).toEqual([]);
  });

  it.each(FORMS)('device: answers with what nobody can decode, in %s under %s', async (encoding, scheme) => {
    const { report, executed, server: at, exchanges } = await faulty('badxml', encoding, scheme);
    expect(report).toMatchObject({ outcome: { kind: 'unreachable' }, answered: false });
    expect(exchanges.at(-1)?.answer).toMatch(encoding === 'xml' ? /^XML_/ : /^WBXML_/);
    expect(at.answers).toEqual([]);
    expect(executed).toEqual([2]);
  });

  it.each(FORMS)('device: answers commands that nobody sent, in %s under %s', async (encoding, scheme) => {
    const { report, executed, server: at } = await faulty('wrongref', encoding, scheme);
    expect(report.outcome).toEqual({ kind: 'completed' });
    expect(at.answers).toEqual([]);
    expect(at.deliveries.at(-1)).toMatchObject({ strayAnswers: 2, outstanding: ['a', 'x'], final: true });
    expect(executed).toEqual([2]);
  });

  it.each(FORMS)('device: says its answer twice, the same to the octet, in %s under %s', async (encoding, scheme) => {
    const { report, executed, server: at, exchanges } = await faulty('duplicate', encoding, scheme);
    expect(report).toEqual({ outcome: { kind: 'completed' }, answered: true });
    const [first, second] = exchanges.slice(-2);
    expect(second?.request).toEqual(first?.request);
    expect(second?.answer).toEqual(first?.answer);
    expect(exchanges.at(-3)?.request.body).not.toEqual(first?.request.body);
    expect(at.answers).toMatchObject([{ cmdRef: 'a', code: 200 }, { kind: 'Results' }, { cmdRef: 'x', code: 200 }]);
    expect(at.ended).toEqual(['completed']);
    expect(executed).toEqual([2]);
  });

  it.each(FORMS)('device: aborts instead of answering, in %s under %s', async (encoding, scheme) => {
    const { device: phone, report, executed, server: at } = await faulty('abort', encoding, scheme);
    expect(report).toEqual({ outcome: { kind: 'aborted' }, answered: false });
    expect(at.answers).toEqual([]);
    expect(at.ended).toEqual(['aborted']);
    expect(executed).toEqual([2]);
    // The session was ended in good order: no nonce has drifted, so the next one needs no challenge.
    const before = at.deliveries.length;
    await phone.runSession(1200, '20');
    expect(at.deliveries[before]).toMatchObject({ first: true, managementAlert: 1200 });
    expect(at.ended).toEqual(['aborted', 'aborted']);
  });
});

/** A device on a clock that stands still, with the sessions it asks for. */
function onClock(setup: Partial<DeviceSetup>, at = server([GET, EXEC])) {
  const clock = new FakeClock();
  const wanted: number[] = [];
  const made = device(setup, at, { clock, wantsSession: () => wanted.push(clock.now()) });
  return { ...made, clock, wanted };
}

describe('device that takes its time', () => {
  async function slowness(setup: Partial<DeviceSetup>): Promise<number> {
    const { device: phone, clock, server: at } = onClock({ ...setup, fault: 'slow' });
    const began = clock.now();
    let endedAt: number | undefined;
    const session = phone.runSession(1200, '1F').then((report) => {
      endedAt = clock.now();
      return report;
    });
    await clock.advance(999);
    expect(at.answers).toEqual([]);
    await clock.advance(2001);
    expect(await session).toEqual({ outcome: { kind: 'completed' }, answered: true });
    expect(at.answers).toHaveLength(3);
    return (endedAt ?? Infinity) - began;
  }

  it('device: answers after one to three seconds, as its seed says', async () => {
    const took = await slowness({ seed: 7 });
    expect(await slowness({ seed: 7 })).toBe(took);
    expect(await slowness({ seed: 8 })).not.toBe(took);
  });

  it('device: vanishes over commands and comes back by itself, as its seed says', async () => {
    const returnsOf = async (seed: number): Promise<number> => {
      const { device: phone, clock, wanted, executed, server: at } = onClock({ fault: 'reboot', seed });
      const began = clock.now();
      expect(await phone.runSession(1200, '1F')).toMatchObject({ outcome: { kind: 'unreachable' }, answered: false });
      expect(executed).toEqual([2]);
      expect(at.answers).toEqual([]);
      await clock.advance(499);
      expect(wanted).toEqual([]);
      await clock.advance(1501);
      expect(wanted).toHaveLength(1);
      return (wanted[0] ?? Infinity) - began;
    };
    const after = await returnsOf(7);
    expect(await returnsOf(7)).toBe(after);
    expect(await returnsOf(8)).not.toBe(after);
  });

  it('device: opens a new session after a restart, in which it says nothing of the old one', async () => {
    const commands: RequestCommand[] = [EXEC];
    const at = server(commands);
    const { device: phone, clock, wanted } = onClock({ fault: 'reboot' }, at);
    await phone.runSession(1200, '1F');
    commands.length = 0;
    expect(await phone.runSession(1201, phone.newSessionId())).toEqual({
      outcome: { kind: 'completed' },
      answered: false,
    });
    expect(at.deliveries.filter(({ first }) => first).map(({ managementAlert }) => managementAlert)).toEqual([
      1200, 1201,
    ]);
    expect(at.deliveries.at(-1)).toMatchObject({ answers: [], strayAnswers: 0 });
    await clock.advance(100_000);
    expect(wanted).toEqual([]);
  });

  it('device: comes back later each time while every session has commands for it', async () => {
    const { device: phone, clock, wanted } = onClock({ fault: 'reboot' });
    const waits: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      await phone.runSession(1201, String(round));
      const began = clock.now();
      await clock.advance(100_000);
      waits.push((wanted.at(-1) ?? Infinity) - began);
    }
    expect(wanted).toHaveLength(7);
    for (const [round, wait] of waits.entries()) {
      const doubled = 2 ** Math.min(round, 5);
      expect(wait).toBeGreaterThanOrEqual(500 * doubled);
      expect(wait).toBeLessThan(2000 * doubled);
    }
  });
});
