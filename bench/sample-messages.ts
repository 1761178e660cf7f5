import type { Message, ResultsCommand, StatusCommand } from '../src/protocol/message/message.ts';

const NONCE = 'Q0FGRUJBQkVERUFEQkVFRg==';
const RESULTS_IN_SMALL = 2;
/** About 100 KB of XML. */
const RESULTS_IN_LARGE = 300;

/** Package 3 of a device: about 1.6 KB of XML. */
export const SMALL_MESSAGE: Message = packageThree(RESULTS_IN_SMALL);
/** The same with many answers: about 100 KB of XML. */
export const LARGE_MESSAGE: Message = packageThree(RESULTS_IN_LARGE);

function packageThree(results: number): Message {
  return {
    hdr: {
      verDtd: '1.2',
      verProto: 'DM/1.2',
      sessionId: 'CE98',
      msgId: '2',
      target: { locUri: 'http://gateway.example:8082/dm' },
      source: { locUri: 'urn:dev:bench:4711', locName: 'bench-4711' },
      meta: { maxMsgBytes: 65_536, maxObjBytes: 1_048_576 },
    },
    body: [
      { ...status('1', '0', 'SyncHdr'), chal: { format: 'b64', type: 'syncml:auth-md5', nextNonce: NONCE } },
      ...Array.from({ length: results }, (_, index) => [
        status(String(2 * index + 2), String(index + 1), 'Get'),
        result(String(2 * index + 3), String(index + 1)),
      ]).flat(),
    ],
    final: true,
  };
}

function status(cmdId: string, cmdRef: string, cmd: string): StatusCommand {
  return { kind: 'Status', cmdId, msgRef: '1', cmdRef, cmd, targetRefs: [], sourceRefs: [], code: 200, items: [] };
}

function result(cmdId: string, cmdRef: string): ResultsCommand {
  return {
    kind: 'Results',
    cmdId,
    msgRef: '1',
    cmdRef,
    items: [
      {
        source: { locUri: `./Vendor/Bench/Value${cmdRef}` },
        meta: { format: 'chr', type: 'text/plain' },
        data: `value ${cmdRef} of the device, größer & <länger>`,
      },
    ],
  };
}
