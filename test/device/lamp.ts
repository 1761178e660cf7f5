import { type AccountLine, createDmHttpClient, Device, MemoryObject, objectTemplate } from '../../src/device/device.ts';

interface Lamp {
  isOn: boolean;
}

/** The nodes of a lamp below `./Lamp`; made once, for any number of lamps. */
const LAMP = objectTemplate<Lamp>(['Lamp'], {
  '': { format: 'node', type: 'urn:example:mo:lamp:1.0', access: ['Get'] },
  State: { format: 'chr', access: ['Get'], value: ({ isOn }) => (isOn ? 'on' : 'off') },
  Name: { format: 'chr', access: ['Get', 'Replace'], value: 'lamp' },
  Toggle: {
    format: 'null',
    access: ['Exec'],
    exec: (lamp) => {
      lamp.isOn = !lamp.isOn;
      return { status: 200 };
    },
  },
});

/** One session of a lamp with its DM server, which may read and toggle it. */
export async function runLamp(lamp: Lamp, account: AccountLine, dmUrl: string) {
  const http = createDmHttpClient();
  const surroundings = { dmUrl, connect: () => http.connect() };
  const device = new Device(surroundings, { account, encoding: 'xml', objects: [new MemoryObject(LAMP, lamp)] });
  try {
    return await device.runSession(1201, '1');
  } finally {
    await http.close();
  }
}
