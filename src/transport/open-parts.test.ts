import { expect, it } from 'vitest';
import { openParts } from './open-parts.ts';

function journal() {
  const closed: string[] = [];
  const part = (name: string, failure?: Error) => () => {
    closed.push(name);
    return failure ? Promise.reject(failure) : Promise.resolve();
  };
  return { closed, part };
}

it('role: closes its parts in the reverse order, once', async () => {
  const { closed, part } = journal();
  const role = await openParts((opened) => {
    opened(part('store'));
    opened(part('api'));
    return Promise.resolve({ address: 'here' });
  });
  expect(role.address).toBe('here');
  expect(closed).toEqual([]);
  await role.close();
  await role.close();
  expect(closed).toEqual(['api', 'store']);
});

it('role: closes what was open when a later part fails', async () => {
  const { closed, part } = journal();
  const opening = openParts((opened) => {
    opened(part('store', new Error('stuck')));
    opened(part('gateway'));
    return Promise.reject(new Error('no port'));
  });
  await expect(opening).rejects.toThrow('no port');
  expect(closed).toEqual(['gateway', 'store']);
});

it('role: closes every part though one does not close, and says so', async () => {
  const { closed, part } = journal();
  const role = await openParts((opened) => {
    opened(part('store'));
    opened(part('api', new Error('stuck')));
    return Promise.resolve({});
  });
  await expect(role.close()).rejects.toThrow('stuck');
  expect(closed).toEqual(['api', 'store']);
});

it('role: tells of each part that does not close, where somebody listens', async () => {
  const { closed, part } = journal();
  const told: unknown[] = [];
  const role = await openParts(
    (opened) => {
      opened(part('store', new Error('late')));
      opened(part('api', new Error('stuck')));
      return Promise.resolve({});
    },
    (error) => told.push(error),
  );
  await role.close();
  expect(closed).toEqual(['api', 'store']);
  expect(told).toMatchObject([{ message: 'stuck' }, { message: 'late' }]);
});

it('role: asks its parts at each call for what they are asked', async () => {
  let sessions = 0;
  const role = await openParts(() =>
    Promise.resolve({
      get sessions() {
        return sessions;
      },
    }),
  );
  sessions = 2;
  expect(role.sessions).toBe(2);
});
