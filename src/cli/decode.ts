import { Command, Option } from 'commander';
import { decodeFile, encodeFile } from '../protocol/codec.ts';
import { toJson } from '../protocol/element.ts';
import { readInput } from './input.ts';
import { answer, answerJson } from './output.ts';

/** `dmgw decode`: shows what is in a SyncML document. */
export function decodeCommand(): Command {
  return new Command('decode')
    .description('read SyncML in either encoding, whole messages and fragments, and write it as XML or JSON')
    .argument('<file>', 'a file, or - for standard input')
    .addOption(new Option('--to <format>', 'what to write').choices(['xml', 'json']).default('xml'))
    .addHelpText('after', '\nExample:\n  dmgw decode --to json message.wbxml')
    .action(async (file: string, options: { to: 'xml' | 'json' }) => {
      const { elements } = decodeFile(await readInput(file));
      if (options.to === 'json') answerJson(elements.map(toJson));
      else answer(Buffer.from(encodeFile(elements, { encoding: 'xml' })).toString());
    });
}
