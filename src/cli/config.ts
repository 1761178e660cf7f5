import { Command } from 'commander';
import { loadConfig } from '../app/config.ts';
import { answer, answerJson, table } from './output.ts';

/** `dmgw config …`: looks at a configuration without running it. */
export function configCommand(): Command {
  const config = new Command('config').description('check and show configurations');
  config
    .command('check')
    .description('refuse unknown keys and bad values, one line each')
    .argument('<file>')
    .addHelpText('after', '\nExample:\n  dmgw config check gateway.yaml')
    .action(async (file: string) => {
      const { config: checked } = await loadConfig(file, process.env);
      answer(`${file}: good configuration of a ${checked.role}`);
    });
  config
    .command('print')
    .description('each effective value and where it came from')
    .argument('<file>')
    .option('--json', 'answer JSON')
    .addHelpText('after', '\nExample:\n  dmgw config print gateway.yaml')
    .action(async (file: string, options: { json?: boolean }) => {
      const { values } = await loadConfig(file, process.env);
      if (options.json) answerJson(values);
      else answer(table(values.map(({ key, value, origin }) => [key, value, origin])));
    });
  return config;
}
