import { describe, expect, it } from 'vitest';
import { EMPTY_DIGEST, moveDigest } from './digest.ts';
import { countsFrom } from './outcome.ts';
import type { Cluster, Member, Run } from './store.ts';
import { type KeptAggregate, Verification } from './verification.ts';

const OK = answerOf(200);
const BAD = answerOf(404);

function answerOf(code: number): string {
  return `<SyncBody xmlns="SYNCML:SYNCML1.2"><Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Get</Cmd><Data>${code}</Data></Status></SyncBody>`;
}

function member(n: number, outcome: Member['outcome'], deResult: string | undefined): Member {
  return {
    n,
    deviceId: `urn:dev:${n}`,
    outcome,
    deResult,
    attempts: 1,
    startedAt: undefined,
    answeredAt: undefined,
    late: false,
    asyncAnswers: [],
  };
}

const MEMBERS = [member(1, 'succeeded', OK), member(2, 'succeeded', OK), member(3, 'failed', BAD)];

function cluster(kind: Cluster['kind'], key: string, value: string, members: number): Cluster {
  return { id: 1, kind, key, value, members };
}

/** What is kept of a run that has these members. */
function kept(changes: { run?: Partial<Run>; clusters?: readonly Cluster[]; data?: number } = {}) {
  const digest = MEMBERS.reduce(
    (sum, { n, deviceId, deResult = '' }) => moveDigest(sum, { n, deviceId, deResult }, 'in'),
    EMPTY_DIGEST,
  );
  const counts = countsFrom({
    pending: 0,
    succeeded: 2,
    failed: 1,
    'timed-out': 0,
    unreachable: 0,
    unauthorized: 0,
    cancelled: 0,
    unknown: 0,
  });
  const run = { state: 'complete', counts, digest, generation: 1, serverId: 'srv', endedAt: 1, ...changes.run } as Run;
  return {
    run,
    clusters: changes.clusters ?? [
      cluster('answer', '', OK, 2),
      cluster('answer', '', BAD, 1),
      cluster('status', '1 Get', '200', 2),
      cluster('status', '1 Get', '404', 1),
    ],
    alerts: [{ data: changes.data ?? 250, generation: 1 }],
  } satisfies KeptAggregate;
}

function differences(aggregate: KeptAggregate, members = MEMBERS) {
  const verification = new Verification();
  for (const one of members) verification.add(one);
  return verification.differences(aggregate);
}

describe('verification', () => {
  it('reader: finds nothing where everything agrees', () => {
    expect(differences(kept())).toEqual([]);
  });

  it('reader: does not mind the order of the members', () => {
    expect(differences(kept(), MEMBERS.toReversed())).toEqual([]);
  });

  it('reader: finds counts, digest, clusters and alert that are wrong, each by its name', () => {
    const { counts } = kept().run;
    expect(differences(kept({ run: { counts: { ...counts, succeeded: 3, failed: 0 } } }))).toEqual([
      { what: 'count succeeded', kept: '3', recomputed: '2' },
      { what: 'count failed', kept: '0', recomputed: '1' },
    ]);
    expect(differences(kept({ run: { digest: EMPTY_DIGEST } }))).toMatchObject([
      { what: 'digest', kept: EMPTY_DIGEST },
    ]);
    expect(differences(kept({ data: 200 }))).toEqual([{ what: 'alert', kept: '200', recomputed: '250' }]);
    const [first, ...others] = kept().clusters;
    expect(differences(kept({ clusters: [{ ...first!, members: 3 }, ...others] }))).toMatchObject([
      { what: expect.stringMatching(/^cluster answer sha256:/) as string, kept: '3', recomputed: '2' },
    ]);
    expect(differences(kept({ clusters: kept().clusters.slice(0, 3) }))).toEqual([
      { what: 'cluster status 1 Get = 404', kept: 'none', recomputed: '1' },
    ]);
  });

  it('reader: counts a member that is pending, and leaves its part of an answer out', () => {
    const { counts } = kept().run;
    const run = { counts: { ...counts, pending: 1, targets: 4 }, state: 'running', endedAt: undefined } as const;
    expect(differences({ ...kept({ run, data: 101 }) }, [...MEMBERS, member(4, 'pending', OK)])).toEqual([]);
  });

  it('reader: misses an alert that a run with a DM Server must have', () => {
    expect(differences({ ...kept(), alerts: [] })).toEqual([{ what: 'alert', kept: 'none', recomputed: '250' }]);
    expect(differences({ ...kept({ run: { serverId: undefined } }), alerts: [] })).toEqual([]);
  });

  it('reader: misses the alert that tells the end where there is only that of the quorum', () => {
    const alerts = [{ data: 101, generation: 1 }];
    expect(differences({ ...kept({ run: { generation: 4 } }), alerts })).toEqual([
      { what: 'alert', kept: '101', recomputed: '250' },
    ]);
    const { counts } = kept().run;
    const run = { counts: { ...counts, pending: 1, targets: 4 }, state: 'running', endedAt: undefined } as const;
    expect(differences({ ...kept({ run }), alerts }, [...MEMBERS, member(4, 'pending', undefined)])).toEqual([]);
  });

  it('reader: does not take two clusters for one whose key and value read alike together', () => {
    const resultsOf = (locUri: string, value: string) =>
      `<SyncBody xmlns="SYNCML:SYNCML1.2"><Results><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Item><Source><LocURI>${locUri}</LocURI></Source><Data>${value}</Data></Item></Results></SyncBody>`;
    const verification = new Verification();
    const answers = [resultsOf('./A', 'B = C'), resultsOf('./A = B', 'C')];
    for (const [at, deResult] of answers.entries()) verification.add(member(at + 1, 'succeeded', deResult));
    const clusters = [
      ...answers.map((deResult) => cluster('answer', '', deResult, 1)),
      cluster('value', './A', 'B = C', 1),
      cluster('value', './A = B', 'C', 1),
    ];
    const found = verification.differences({ ...kept(), clusters }).filter(({ what }) => what.startsWith('cluster'));
    expect(found).toEqual([]);
  });
});
