import { z } from 'zod';
import { runGateway } from '../src/app/gateway-role.ts';
import { runServer } from '../src/app/server-role.ts';
import { createCpuProfile } from './cpu-profile.ts';
import { serveParent } from './process-side.ts';

const orderSchema = z.object({
  role: z.enum(['gateway', 'server']),
  config: z.string(),
  profile: z.string().optional(),
});

serveParent(async (order) => {
  const { role, config, profile: dir } = orderSchema.parse(order);
  const running = await (role === 'gateway' ? runGateway : runServer)(config, {});
  const profile = dir === undefined ? undefined : createCpuProfile(dir);
  return {
    ready: running.addresses,
    answers: { startProfile: () => profile?.start(), stopProfile: () => profile?.stop() },
    close: () => running.close(),
  };
});
