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
  const dmgw = program();
  try {
    await dmgw.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return;
      process.exitCode = EXIT.usage;
      if (error.code !== 'commander.help') say(usageLine(dmgw, error.message, argv[2]));
      return;
    }
    process.exitCode = exitCodeOf(error);
    say(describeError(error));
  }
}

function usageLine(dmgw: Command, message: string, word: string | undefined): string {
  // A suggestion comes on a line of its own.
  const problem = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  const group = dmgw.commands.find((command) => command.name() === word && command.commands.length > 0);
  return `${problem}; see dmgw ${group ? `${group.name()} ` : ''}--help`;
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
