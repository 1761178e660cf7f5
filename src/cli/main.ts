#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { VERSION } from '../app/version.ts';
import { configCommand } from './config.ts';
import { decodeCommand } from './decode.ts';
import { demoCommand } from './demo.ts';
import { deviceCommand } from './device.ts';
import { devicesCommand } from './devices.ts';
import { encodeCommand } from './encode.ts';
import { describeError, EXIT, exitCodeOf } from './exit-code.ts';
import { fanoutCommand } from './fanout.ts';
import { groupCommand } from './group.ts';
import { say } from './output.ts';
import { gatewayCommand, serverCommand } from './role.ts';

/** Asked for by the documentation, coming in a later version. */
const LATER_COMMANDS: Readonly<Record<string, readonly string[]>> = {
  fanout: ['watch', 'pause', 'resume', 'cancel', 'retry', 'compare', 'verify'],
  device: [],
};
const LATER_OPTIONS = [
  '--offline',
  '--waves',
  '--max-failures',
  '--quorum',
  '--not-before',
  '--not-after',
  '--await-async',
  '--repeat-unsafe',
  '--late-alert',
];

function program(): Command {
  const dmgw = new Command('dmgw')
    .description('OMA DM Gateway: fans DM commands out to device groups and answers with the aggregated results')
    .version(VERSION)
    .addHelpText('after', '\nExample:\n  dmgw demo --devices 25');
  for (const command of [
    demoCommand(),
    gatewayCommand(),
    serverCommand(),
    devicesCommand(),
    deviceCommand(),
    groupCommand(),
    fanoutCommand(),
    decodeCommand(),
    encodeCommand(),
    configCommand(),
  ]) {
    dmgw.addCommand(command);
  }
  const strict = (command: Command): void => {
    command
      .exitOverride()
      .configureOutput({ outputError: () => undefined })
      .showHelpAfterError(false);
    command.commands.forEach(strict);
  };
  strict(dmgw);
  return dmgw;
}

async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return;
      process.exitCode = EXIT.usage;
      if (error.code !== 'commander.help') say(usageLine(error.message, argv.slice(2)));
      return;
    }
    process.exitCode = exitCodeOf(error);
    say(describeError(error));
  }
}

function usageLine(message: string, words: readonly string[]): string {
  const [command = '', sub = ''] = words;
  if (LATER_COMMANDS[command]?.includes(sub)) return `dmgw ${command} ${sub} is not available in this version`;
  const option = LATER_OPTIONS.find((name) => words.some((word) => word === name || word.startsWith(`${name}=`)));
  if (option) return `${option} is not available in this version`;
  // A suggestion comes on a line of its own.
  const problem = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return `${problem}; see dmgw ${LATER_COMMANDS[command] ? `${command} ` : ''}--help`;
}

/** Node's notice that its SQLite is experimental tells a user nothing. */
function hideExperimentalWarnings(): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning') say(`${name}: ${message}`);
  });
}

hideExperimentalWarnings();
await main(process.argv);
