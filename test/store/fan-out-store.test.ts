import { MemoryFanOutStore } from '../fanout/memory-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { describeFanOutStore, type OpenedStore } from './fan-out-store.contract.ts';
import { describeRepeatedStart } from './run-start.contract.ts';
import { describeSteering } from './run-steering.contract.ts';
import { type Groups, memberDevices, storeGroups } from './store-fixture.ts';
import { temporaryFolder } from './temporary-folder.ts';

const inFolder = temporaryFolder();
let databases = 0;

function openMemory(groups: Groups): Promise<OpenedStore> {
  return Promise.resolve({
    store: new MemoryFanOutStore(memberDevices(groups)),
    close: () => Promise.resolve(),
  });
}

async function openSqlite(groups: Groups): Promise<OpenedStore> {
  const store = await openGatewayStore(`sqlite:${inFolder(`${++databases}.db`)}`);
  await storeGroups(store, groups);
  return { store: store.fanOut, close: () => store.close() };
}

describeFanOutStore('memory', openMemory);
describeFanOutStore('SQLite', openSqlite);
describeRepeatedStart('memory', openMemory);
describeRepeatedStart('SQLite', openSqlite);
describeSteering('memory', openMemory);
describeSteering('SQLite', openSqlite);
