import { describe, expect, it } from 'vitest';
import { device, server } from '../../test/device/dm-server.ts';
import { FakeClock } from '../../test/fanout/fake-clock.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import { UPDATE_ALERT_TYPE, Updates } from './updates.ts';

function update(cmdId: string, correlator?: string): RequestCommand {
  return { kind: 'Exec', cmdId, correlator, items: [{ target: { locUri: './Vendor/Demo/Update' } }] };
}

/** A device whose server has these commands once, on a clock that stands still. */
async function updating(...commands: RequestCommand[]) {
  const left = [...commands];
  const at = server(left);
  const clock = new FakeClock();
  const wanted: number[] = [];
  const made = device({ seed: 7 }, at, { clock, wantsSession: () => wanted.push(clock.now()) });
  await made.device.runSession(1200, '1F');
  left.length = 0;
  return { ...made, at, clock, wanted };
}

describe('updates', () => {
  it('device: accepts an update, and tells its end in a session of its own, with the Correlator', async () => {
    const { device: phone, at, clock, wanted } = await updating(update('1', 'run-7'));
    expect(at.answers).toMatchObject([{ kind: 'Status', cmdRef: '1', cmd: 'Exec', code: 202 }]);
    expect(at.alerts).toEqual([]);
    await clock.advance(499);
    expect(wanted).toEqual([]);
    await clock.advance(1501);
    expect(wanted).toHaveLength(1);
    await phone.runSession(1201, '2');
    expect(at.alerts).toMatchObject([
      {
        code: 1226,
        correlator: 'run-7',
        items: [
          { source: { locUri: './Vendor/Demo/Update' }, meta: { type: UPDATE_ALERT_TYPE, format: 'int' }, data: '200' },
        ],
      },
    ]);
    await phone.runSession(1201, '3');
    await clock.advance(100_000);
    expect(at.alerts).toHaveLength(1);
    expect(wanted).toHaveLength(1);
  });

  it('device: tells of every update, each with its own Correlator or none', async () => {
    const { device: phone, at } = await updating(update('1', 'first'), update('2'), update('3', 'third'));
    await phone.runSession(1200, '20');
    expect(at.alerts.map(({ correlator }) => correlator)).toEqual(['first', undefined, 'third']);
  });

  it('device: says an alert again until it is accepted, later each time', async () => {
    const { device: phone, at, clock, wanted } = await updating(update('1', 'run-7'));
    at.alertStatus.code = 500;
    for (const sessionId of ['2', '3', '4']) {
      await clock.advance(100_000);
      await phone.runSession(1201, sessionId);
    }
    expect(at.alerts).toHaveLength(3);
    at.alertStatus.code = 202;
    const before = clock.now();
    await clock.advance(3999);
    expect(wanted).toHaveLength(3);
    await clock.advance(12_001);
    expect(wanted[3]).toBeLessThan(before + 16_000);
    await phone.runSession(1201, '5');
    await phone.runSession(1201, '6');
    expect(at.alerts).toHaveLength(4);
  });

  it('updates: go on side by side, and end one by one', () => {
    const updates = new Updates();
    updates.start('./A', undefined);
    updates.start('./A', 'c');
    const [first, second] = updates.pending.map(({ ref }) => ref);
    updates.answered(first ?? '', 415);
    updates.answered('fault', 200);
    expect(updates.pending).toHaveLength(2);
    updates.answered(first ?? '', 200);
    expect(updates.pending.map(({ ref }) => ref)).toEqual([second]);
  });
});
