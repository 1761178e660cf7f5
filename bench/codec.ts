import { XMLParser } from 'fast-xml-parser';
import { SaxesParser } from 'saxes';
import { decodeMessage, encodeMessage, type WireForm } from '../src/protocol/codec.ts';
import type { Message } from '../src/protocol/message/message.ts';
import { median, rounded, wrongResult } from './figures.ts';
import type { BenchOptions } from './options.ts';
import type { BenchReport } from './report.ts';
import { LARGE_MESSAGE, SMALL_MESSAGE } from './sample-messages.ts';

const XML: WireForm = { encoding: 'xml' };
const WBXML: WireForm = { encoding: 'wbxml', version: 2 };
/** How long one measurement of one case works. */
const MEASURE_MS = 300;
/** With `--devices`, which is the number of messages here, so many of the large ones. */
const SMALL_PER_LARGE = 50;

/** One thing that is done with one message, over and over. */
interface Case {
  readonly what: string;
  readonly size: 'small' | 'large';
  readonly bytes: number;
  readonly once: () => unknown;
}

/** Messages in a second of processor time: our codec to the typed model and back, and two XML parsers that make less of them. */
export function codec(options: BenchOptions): Promise<BenchReport> {
  const cases = [...casesOf('small', SMALL_MESSAGE), ...casesOf('large', LARGE_MESSAGE)];
  const rates = new Map<Case, number[]>(cases.map((each) => [each, []]));
  for (const each of cases) measure(each, options.devices);
  for (let run = 0; run < options.runs; run++) {
    for (const [each, found] of rates) found.push(measure(each, options.devices));
  }
  const figures = [...rates].map(([{ what, size, bytes }, found]) => {
    const messagesPerCpuSecond = median(found);
    return { what, size, bytes, messagesPerCpuSecond, megabytesPerCpuSecond: (messagesPerCpuSecond * bytes) / 1e6 };
  });
  const rate = (what: string, size: Case['size']): number =>
    figures.find((each) => each.what === what && each.size === size)?.messagesPerCpuSecond ?? NaN;
  const timesSaxes = {
    withNamespaces: rounded(rate('decode XML', 'small') / rate('saxes with namespaces', 'small'), 2),
    without: rounded(rate('decode XML', 'small') / rate('saxes', 'small'), 2),
  };
  return Promise.resolve({
    title: `codec: median of ${options.runs}; a small XML message is decoded ${timesSaxes.withNamespaces} times as fast as saxes parses it, ${timesSaxes.without} times as fast as without namespaces`,
    columns: ['case', 'size', 'bytes', 'messages/CPU-s', 'MB/CPU-s'],
    rows: figures.map(({ what, size, bytes, messagesPerCpuSecond, megabytesPerCpuSecond }) => [
      what,
      size,
      bytes,
      rounded(messagesPerCpuSecond),
      rounded(megabytesPerCpuSecond, 1),
    ]),
    document: {
      cases: figures.map((each) => ({
        ...each,
        messagesPerCpuSecond: rounded(each.messagesPerCpuSecond),
        megabytesPerCpuSecond: rounded(each.megabytesPerCpuSecond, 2),
      })),
      timesSaxes,
    },
  });
}

function casesOf(size: Case['size'], message: Message): Case[] {
  const xml = Buffer.from(encodeMessage(message, XML));
  const wbxml = Buffer.from(encodeMessage(message, WBXML));
  checkDecoded(message, xml, 'xml');
  checkDecoded(message, wbxml, 'wbxml');
  const fastXml = new XMLParser({ ignoreAttributes: false, parseTagValue: false });
  return [
    { what: 'decode XML', size, bytes: xml.length, once: () => decodeMessage(xml, 'xml') },
    {
      what: 'saxes with namespaces',
      size,
      bytes: xml.length,
      once: () => new SaxesParser({ xmlns: true }).write(xml.toString()).close(),
    },
    { what: 'saxes', size, bytes: xml.length, once: () => new SaxesParser().write(xml.toString()).close() },
    { what: 'fast-xml-parser', size, bytes: xml.length, once: () => fastXml.parse(xml.toString()) as unknown },
    { what: 'decode WBXML', size, bytes: wbxml.length, once: () => decodeMessage(wbxml, 'wbxml') },
    { what: 'encode XML', size, bytes: xml.length, once: () => encodeMessage(message, XML) },
    { what: 'encode WBXML', size, bytes: wbxml.length, once: () => encodeMessage(message, WBXML) },
  ];
}

function checkDecoded(message: Message, octets: Uint8Array, encoding: WireForm['encoding']): void {
  const again = encodeMessage(decodeMessage(octets, encoding).message, encoding === 'xml' ? XML : WBXML);
  const { length } = decodeMessage(octets, encoding).message.body;
  if (Buffer.compare(octets, again) !== 0 || length !== message.body.length) {
    throw wrongResult(`${encoding}: the message is another one after it was decoded`);
  }
}

/**
 * Times in a second of processor time, which other work on the machine does not shorten. `times`: of small messages;
 * undefined: as often as it can be done in some time.
 */
function measure({ size, once }: Case, times: number | undefined): number {
  const since = process.cpuUsage();
  const begin = performance.now();
  let done = 0;
  if (times !== undefined) {
    const wanted = size === 'small' ? times : Math.ceil(times / SMALL_PER_LARGE);
    for (; done < wanted; done++) once();
  } else {
    while (performance.now() - begin < MEASURE_MS) for (const until = done + 10; done < until; done++) once();
  }
  const { user, system } = process.cpuUsage(since);
  return (done * 1e6) / (user + system);
}
