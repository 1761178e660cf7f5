import { type Command, Option } from 'commander';
import { type ApiClient, apiClient } from '../app/api-client.ts';
import { UsageError } from '../app/failure.ts';

/** Which API a command talks to. */
export interface ApiOptions {
  readonly server?: string;
  readonly gateway?: string;
  readonly gatewayId?: string;
}

/** Adds `--server URL --gateway-id ID` and `--gateway URL`. */
export function withApi(command: Command): Command {
  return command
    .addOption(new Option('--server <url>', 'API of the DM Server: the real workflow, through DM sessions'))
    .addOption(new Option('--gateway <url>', 'API of the gateway itself'))
    .addOption(new Option('--gateway-id <id>', 'which of the DM Server’s gateways; not needed when it has one'));
}

/** The API that was chosen. Throws `UsageError` unless it is exactly one. */
export function chosenApi(options: ApiOptions): ApiClient {
  const url = options.server ?? options.gateway;
  if (url === undefined || (options.server !== undefined && options.gateway !== undefined)) {
    throw new UsageError('say either --server URL (DM Server) or --gateway URL');
  }
  return apiClient(url);
}
