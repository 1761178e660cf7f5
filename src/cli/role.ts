import { Command, Option } from 'commander';
import type { RunningRole } from '../app/running-role.ts';
import { answer, say } from './output.ts';

/** A role is loaded when it is run: every other command starts in half the time without. */
type RunRole = (configFile: string, environment: NodeJS.ProcessEnv) => Promise<RunningRole>;

interface RoleOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly endWithStdin?: boolean;
}

/** `dmgw gateway`: runs a DM Gateway until it is told to end. */
export function gatewayCommand(): Command {
  return roleCommand('gateway', 'run a DM Gateway', async (configFile, environment) =>
    (await import('../app/gateway-role.ts')).runGateway(configFile, environment),
  );
}

/** `dmgw server`: runs a DM Server until it is told to end. */
export function serverCommand(): Command {
  return roleCommand('server', 'run a DM Server', async (configFile, environment) =>
    (await import('../app/server-role.ts')).runServer(configFile, environment),
  );
}

function roleCommand(name: string, description: string, run: RunRole): Command {
  return new Command(name)
    .description(`${description} until SIGTERM or SIGINT`)
    .requiredOption('--config <file>', 'its YAML configuration')
    .option('--json', 'say on stdout, as one JSON line, that it is ready and where')
    .addOption(new Option('--end-with-stdin', 'end when standard input ends, with the process that started this one'))
    .addHelpText('after', `\nExample:\n  dmgw ${name} --config ${name}.yaml`)
    .action(async (options: RoleOptions) => {
      const role = await run(options.config, process.env);
      if (options.json) answer(JSON.stringify({ event: 'ready', role: name, ...role.addresses }));
      else for (const [kind, address] of Object.entries(role.addresses)) say(`${name}: ${kind} at ${address}`);
      await endRequested(options.endWithStdin ?? false);
      await role.close();
    });
}

function endRequested(withStdin: boolean): Promise<void> {
  return new Promise((resolve) => {
    // Standard input that is being read would keep the process alive.
    const end = (): void => {
      process.stdin.destroy();
      resolve();
    };
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
    if (withStdin) process.stdin.once('end', end).once('error', end).resume();
  });
}
