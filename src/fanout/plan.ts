import type { WireForm } from '../protocol/codec.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import { CommandSizes, type TooLarge } from './carrier.ts';
import type { Policy } from './policy.ts';
import { releasedBy } from './waves.ts';

/** Members that are listed with the cause; the others are only counted. */
const LISTED = 1_000;

/** The forms in which commands can leave; the smaller one last. */
const FORMS = { xml: { encoding: 'xml' }, wbxml: { encoding: 'wbxml', version: 2 } } as const satisfies Record<
  string,
  WireForm
>;

/** A member of the run that is planned, with what its account says. */
export interface PlannedMember {
  readonly deviceId: string;
  readonly hasAccount: boolean;
  /** False: it polls. */
  readonly notifiable: boolean;
  readonly maxMsgBytes: number | undefined;
  readonly maxObjBytes: number | undefined;
}

/** Why a member cannot succeed, whatever its device does. */
export type Hindrance = 'no-account' | TooLarge['limit'];

/** A member that cannot succeed. */
export interface HinderedMember {
  readonly deviceId: string;
  readonly hindrance: Hindrance;
  /** The same in words. */
  readonly why: string;
}

/** How fast a run that has ended was, and how many devices were at work in it at once. */
export interface Pace {
  readonly membersPerSecond: number;
  readonly concurrency: number;
}

/** What a run would be: the dry run. */
export interface Plan {
  readonly targets: number;
  /** Members to whom the commands can be sent. */
  readonly sendable: number;
  /** Of those, devices that come when they poll. */
  readonly polling: number;
  /** About what one message with all commands takes, by encoding. */
  readonly packageBytes: Readonly<Record<keyof typeof FORMS, number>>;
  /** Members that cannot succeed, by cause. */
  readonly hindered: Readonly<Record<Hindrance, number>>;
  /** The first 1,000 of them. */
  readonly hinderedMembers: readonly HinderedMember[];
  readonly waves: number;
  /** Undefined: no run has shown how fast devices answer. Devices that stay silent take longer. */
  readonly expectedMs: number | undefined;
}

/** Takes the members of a run page by page and says what would become of it; nothing is sent or stored. [FANOUT 5, 7] */
export class Planner {
  readonly #sizes: CommandSizes;
  readonly #policy: Policy;
  readonly #hindered: Record<Hindrance, number> = { 'no-account': 0, MaxMsgSize: 0, MaxObjSize: 0 };
  readonly #hinderedMembers: HinderedMember[] = [];
  #targets = 0;
  #sendable = 0;
  #polling = 0;

  constructor(commands: readonly RequestCommand[], policy: Policy) {
    this.#sizes = new CommandSizes(commands);
    this.#policy = policy;
  }

  add(members: readonly PlannedMember[]): void {
    for (const member of members) {
      this.#targets += 1;
      const hindered = this.#hindranceOf(member);
      if (hindered) {
        this.#hindered[hindered.hindrance] += 1;
        if (this.#hinderedMembers.length < LISTED) this.#hinderedMembers.push(hindered);
      } else {
        this.#sendable += 1;
        if (!member.notifiable) this.#polling += 1;
      }
    }
  }

  /** `pace`: of a run that has ended, if there is one. */
  plan(pace: Pace | undefined): Plan {
    const waves = wavesOf(this.#policy, this.#targets);
    return {
      targets: this.#targets,
      sendable: this.#sendable,
      polling: this.#polling,
      packageBytes: {
        xml: this.#sizes.packageBytes(FORMS.xml),
        wbxml: this.#sizes.packageBytes(FORMS.wbxml),
      },
      hindered: { ...this.#hindered },
      hinderedMembers: [...this.#hinderedMembers],
      waves,
      expectedMs: pace && expectedMs(this.#policy, this.#sendable, waves, pace),
    };
  }

  #hindranceOf({ deviceId, hasAccount, maxMsgBytes, maxObjBytes }: PlannedMember): HinderedMember | undefined {
    if (!hasAccount) return { deviceId, hindrance: 'no-account', why: 'no account' };
    const [inXml, inWbxml] = [FORMS.xml, FORMS.wbxml].map((form) =>
      this.#sizes.firstTooLarge({ form, maxMsgBytes, maxObjBytes }),
    );
    // Which form a device speaks is known when it comes: what fits one of them may succeed.
    if (!inXml || !inWbxml) return undefined;
    const { limit, bytes, maxBytes } = inWbxml;
    return { deviceId, hindrance: limit, why: `a command of ${bytes} bytes is larger than its ${limit} ${maxBytes}` };
  }
}

function wavesOf({ waves }: Policy, targets: number): number {
  let count = 0;
  for (let released = 0; released < targets; count += 1) released = releasedBy(waves, count, released, targets);
  return count;
}

/** At the pace of that run, slower with fewer slots or a rate; each wave waits for its last devices. */
function expectedMs({ concurrency, startRate }: Policy, members: number, waves: number, pace: Pace): number {
  const perSecond = pace.membersPerSecond * Math.min(1, concurrency / pace.concurrency);
  const atMost = startRate === 0 ? Infinity : startRate;
  const oneDeviceMs = (1_000 * pace.concurrency) / pace.membersPerSecond;
  const tailsMs = members > 0 ? waves * oneDeviceMs : 0;
  return Math.round((1_000 * members) / Math.min(perSecond, atMost) + tailsMs);
}
