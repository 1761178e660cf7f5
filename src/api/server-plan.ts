import { z } from 'zod';

/** What a start would come to, as the gateway told it by DM; what it left out is null. As the API of a gateway has it. */
export const serverPlanSchema = z.object({
  targets: z.int().nullable(),
  sendable: z.int().nullable(),
  polling: z.int().nullable(),
  packageBytes: z.object({ xml: z.int().nullable(), wbxml: z.int().nullable() }),
  hindered: z.object({
    'no-account': z.int().nullable(),
    MaxMsgSize: z.int().nullable(),
    MaxObjSize: z.int().nullable(),
  }),
  hinderedMembers: z.array(z.object({ deviceId: z.string(), why: z.string() })),
  waves: z.int().nullable(),
  expectedMs: z.number().nullable(),
});

/** A plan from the values of the nodes below `Ext/Plan`, by name. [FANOUT 7] */
export function serverPlanShape(values: Readonly<Record<string, string>>): z.infer<typeof serverPlanSchema> {
  const number = (name: string): number | null => {
    const value = values[name];
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : null;
  };
  const seconds = number('ExpectedSeconds');
  return {
    targets: number('Targets'),
    sendable: number('Sendable'),
    polling: number('Polling'),
    packageBytes: { xml: number('XmlBytes'), wbxml: number('WbxmlBytes') },
    hindered: {
      'no-account': number('NoAccount'),
      MaxMsgSize: number('OverMaxMsgSize'),
      MaxObjSize: number('OverMaxObjSize'),
    },
    hinderedMembers: (values['Hindered'] ?? '').split('\n').filter(Boolean).map(hinderedMember),
    waves: number('Waves'),
    expectedMs: seconds === null ? null : seconds * 1000,
  };
}

/** A line is `DeviceID: why`; there are colons in a DeviceID too. */
function hinderedMember(line: string): { readonly deviceId: string; readonly why: string } {
  const colon = line.lastIndexOf(': ');
  return colon < 0 ? { deviceId: line, why: '' } : { deviceId: line.slice(0, colon), why: line.slice(colon + 2) };
}
