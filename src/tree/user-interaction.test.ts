import { describe, expect, it } from 'vitest';
import type { Answer, Item, RequestCommand } from '../protocol/message/message.ts';
import { executeCommands } from './executor.ts';
import { createTree } from './tree.ts';
import { readOptions, type UserAnswer, type UserInteraction, type UserQuestion } from './user-interaction.ts';

const TREE = createTree({ objects: [] });
const GET: RequestCommand = { kind: 'Get', cmdId: '9', items: [{ target: { locUri: '.?prop=Name' } }] };

function alert(code: number | undefined, ...texts: readonly string[]): RequestCommand {
  return { kind: 'Alert', cmdId: '1', code, items: texts.map((data) => ({ data })) };
}

async function run(
  commands: readonly RequestCommand[],
  answer?: UserAnswer,
): Promise<{ codes: number[]; items: readonly Item[]; asked: UserQuestion[] }> {
  const asked: UserQuestion[] = [];
  const user: UserInteraction | undefined = answer && {
    ask(question) {
      asked.push(question);
      return Promise.resolve(answer);
    },
  };
  const answers: Answer[] = [];
  for await (const each of executeCommands(TREE, { serverId: 'srv' }, '1', commands, { user })) answers.push(each);
  const statuses = answers.filter((each) => each.kind === 'Status');
  return { codes: statuses.map(({ code }) => code), items: statuses[0]?.items ?? [], asked };
}

describe('user interaction', () => {
  it.each<[number, readonly string[], UserAnswer, number, readonly string[]]>([
    [1100, ['MINDT=5', 'Hello'], { kind: 'shown' }, 200, []],
    [1101, ['', 'Sure?'], { kind: 'yes' }, 200, []],
    [1101, ['', 'Sure?'], { kind: 'no' }, 304, []],
    [1101, ['', 'Sure?'], { kind: 'cancelled' }, 214, []],
    [1102, ['', 'Name?'], { kind: 'text', text: 'Ada' }, 200, ['Ada']],
    [1102, ['MAXLEN=2', 'Name?'], { kind: 'text', text: 'Ada' }, 200, ['Ad']],
    [1102, ['MAXDT=10', 'Name?'], { kind: 'timedOut' }, 408, []],
    [1103, ['', 'Which?', 'a', 'b'], { kind: 'chosen', numbers: [2] }, 200, ['2']],
    [1104, ['', 'Which?', 'a', 'b'], { kind: 'chosen', numbers: [1, 2] }, 200, ['1', '2']],
    [1104, ['', 'Which?', 'a', 'b'], { kind: 'chosen', numbers: [] }, 200, []],
    [1103, ['', 'Which?', 'a'], { kind: 'cannotShow' }, 416, []],
  ])('user: is asked by %i with %j and answers %j: %i', async (code, texts, answer, expected, data) => {
    const { codes, items } = await run([alert(code, ...texts)], answer);
    expect(codes).toEqual([expected]);
    expect(items.map((item) => item.data)).toEqual(data);
  });

  it('user: is shown text, choices and options as the server gave them', async () => {
    const { asked } = await run([alert(1104, 'MINDT=10&MAXDT=60&DR=1-3&ET=P&IT=N&X=7', 'Which?', 'a', 'b', 'c')], {
      kind: 'chosen',
      numbers: [1],
    });
    expect(asked).toEqual([
      {
        kind: 'multipleChoice',
        text: 'Which?',
        choices: ['a', 'b', 'c'],
        options: {
          minDisplayMs: 10_000,
          maxDisplayMs: 60_000,
          defaultResponse: '1-3',
          maxLength: undefined,
          inputType: 'N',
          echoType: 'P',
        },
      },
    ]);
  });

  it('device: passes over options that it does not know or that have no value', () => {
    expect(readOptions('MAXDT=soon&IT=ZZ&ET=&MAXLEN=-1&DR=a%26b')).toEqual({ defaultResponse: 'a&b' });
  });

  it.each([
    [1101, ['']],
    [1100, []],
    [1103, ['', 'Which?']],
  ])('device: refuses alert %i with only %j as incomplete', async (code, texts) => {
    expect((await run([alert(code, ...texts)], { kind: 'yes' })).codes).toEqual([412]);
  });

  it('device: refuses what is no question, and every question where nobody can be asked', async () => {
    expect((await run([alert(1105, '', 'x'), alert(1222), alert(undefined)], { kind: 'yes' })).codes).toEqual([
      406, 406, 406,
    ]);
    expect((await run([alert(1101, '', 'Sure?')])).codes).toEqual([406]);
  });

  it.each<[UserAnswer, readonly number[]]>([
    [{ kind: 'yes' }, [200, 200, 200, 200, 200]],
    [{ kind: 'no' }, [200, 304, 215, 215, 200]],
    [{ kind: 'cancelled' }, [200, 214, 215, 215, 200]],
    [{ kind: 'timedOut' }, [200, 408, 215, 215, 200]],
  ])('user: answers %j inside a Sequence, and what stands behind it there depends on that', async (answer, codes) => {
    const inner: RequestCommand = { kind: 'Sequence', cmdId: '8', commands: [] };
    const sequence: RequestCommand = { kind: 'Sequence', cmdId: '7', commands: [alert(1101, '', 'Sure?'), inner, GET] };
    expect((await run([sequence, GET], answer)).codes).toEqual(codes);
  });

  it('user: ends the Sequences around an inner one too', async () => {
    const inner: RequestCommand = { kind: 'Sequence', cmdId: '8', commands: [alert(1101, '', 'Sure?'), GET] };
    const sequence: RequestCommand = { kind: 'Sequence', cmdId: '7', commands: [inner, GET] };
    expect((await run([sequence], { kind: 'no' })).codes).toEqual([200, 200, 304, 215, 215]);
  });

  it('user: has no say over what stands beside the question', async () => {
    expect((await run([alert(1101, '', 'Sure?'), GET], { kind: 'no' })).codes).toEqual([304, 200]);
  });
});
