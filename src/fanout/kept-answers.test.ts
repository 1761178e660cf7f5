import { describe, expect, it } from 'vitest';
import { EXEC, GET, statuses } from '../../test/fanout/scenario.ts';
import type { Answer } from '../protocol/message/message.ts';
import { answerBytes } from './answer-size.ts';
import { keepAnswers, NO_ANSWERS } from './kept-answers.ts';

const COMMANDS = [GET, EXEC];
const LARGE: Answer = { kind: 'Results', cmdRef: '1', items: [{ data: 'x'.repeat(1_000) }] };

function shown(answers: readonly Answer[]): readonly string[] {
  return answers.map((answer) => `${answer.kind} ${answer.cmdRef}${answer.kind === 'Status' ? ` ${answer.code}` : ''}`);
}

describe('answers that are kept', () => {
  it('engine: keeps all of an answer that is small enough, over all its messages', () => {
    const whole = [...statuses(COMMANDS), LARGE];
    const bytes = whole.reduce((sum, answer) => sum + answerBytes(answer), 0);
    let kept = NO_ANSWERS;
    for (const answer of whole) kept = keepAnswers(kept, COMMANDS, [answer], bytes);
    expect(kept).toEqual({ answers: whole, bytes, cut: new Set() });
  });

  it('engine: drops what is too much, and puts a 413 in place of what the device says of the command', () => {
    const before = keepAnswers(NO_ANSWERS, COMMANDS, [LARGE], 2_000);
    const cut = keepAnswers(before, COMMANDS, [LARGE, ...statuses(COMMANDS)], 2_000);
    expect(shown(cut.answers)).toEqual(['Results 1', 'Status 2 200', 'Status 1 413']);
    expect(keepAnswers(cut, COMMANDS, [LARGE, ...statuses([GET])], 2_000)).toBe(cut);
  });

  it('engine: keeps the first Status of a command for which there is no room, with nothing but its code', () => {
    const [first, second] = statuses(COMMANDS, 500);
    const talkative: Answer = { ...second!, items: [{ data: 'y'.repeat(5_000) }] };
    const kept = keepAnswers(NO_ANSWERS, COMMANDS, [first!, talkative], 2_000);
    expect(kept.answers).toEqual(statuses(COMMANDS, 500));
    expect(shown(keepAnswers(kept, COMMANDS, [talkative], 2_000).answers)).toEqual(['Status 1 500', 'Status 2 413']);
  });

  it('engine: keeps nothing that answers no command', () => {
    expect(keepAnswers(NO_ANSWERS, COMMANDS, [{ ...LARGE, cmdRef: '9' }], 2_000)).toBe(NO_ANSWERS);
  });
});
