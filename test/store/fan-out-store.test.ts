import { MemoryFanOutStore } from '../../src/fanout/memory-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { describeFanOutStore } from './fan-out-store.contract.ts';
import { memberDevices, storeGroups } from './store-fixture.ts';
import { temporaryFolder } from './temporary-folder.ts';

const inFolder = temporaryFolder();
let databases = 0;

describeFanOutStore('memory', (groups) =>
  Promise.resolve({ store: new MemoryFanOutStore(memberDevices(groups)), close: () => Promise.resolve() }),
);

describeFanOutStore('SQLite', async (groups) => {
  const store = await openGatewayStore(`sqlite:${inFolder(`${++databases}.db`)}`);
  await storeGroups(store, groups);
  return { store: store.fanOut, close: () => store.close() };
});
