import { Command, Option } from 'commander';
import { decodeFile, encodeFile, type Encoding, type WireForm } from '../protocol/codec.ts';
import { readInput } from './input.ts';

const FORMS: Readonly<Record<Encoding, WireForm>> = {
  xml: { encoding: 'xml' },
  wbxml: { encoding: 'wbxml', version: 2 },
};

/** `dmgw encode`: writes a SyncML document in the other encoding, or in canonical XML. */
export function encodeCommand(): Command {
  return new Command('encode')
    .description('read SyncML in either encoding, whole messages and fragments, and write it as WBXML or XML bytes')
    .argument('<file>', 'a file, or - for standard input')
    .addOption(new Option('--to <encoding>', 'what to write').choices(['wbxml', 'xml']).default('wbxml'))
    .addHelpText('after', '\nExample:\n  dmgw encode --to wbxml message.xml > message.wbxml')
    .action(async (file: string, options: { to: Encoding }) => {
      const { elements } = decodeFile(await readInput(file));
      process.stdout.write(encodeFile(elements, FORMS[options.to]));
    });
}
