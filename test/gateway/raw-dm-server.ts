import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { elementsIn, md5Proof, nextNonceIn, rawMessage, rawStatus, textIn } from './raw-syncml.ts';

/**
 * A DM Server in lock step: it lets every client in, proves itself by md5 in the first message of a session, and sends
 * the packages of its script one after the other. CmdIDs of the script begin at 100.
 */
export class RawDmServer {
  readonly id: string;
  readonly #secret: string;
  readonly #server: Server;
  /** Bodies as they came, oldest first. */
  readonly received: string[] = [];
  /** Status it gives to Generic Alerts. */
  alertStatus = 200;
  /** MaxObjSize it tells. */
  maxObjBytes: number | undefined;
  /** It answers HTTP 503 to everything. */
  isDown = false;
  #nonce: Uint8Array = new Uint8Array();
  #script: string[] = [];
  #waiting: (() => void)[] = [];

  private constructor(id: string, secret: string, server: Server) {
    this.id = id;
    this.#secret = secret;
    this.#server = server;
  }

  static async open(id: string, secret: string): Promise<RawDmServer> {
    const http = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const answer = server.#answer(Buffer.concat(chunks).toString('utf8'));
        response.writeHead(answer === undefined ? 503 : 200, { 'content-type': 'application/vnd.syncml.dm+xml' });
        response.end(answer);
      });
    });
    const server = new RawDmServer(id, secret, http);
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return server;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/dm`;
  }

  get nonce(): Uint8Array {
    return this.#nonce;
  }

  /** Adds packages to what it will send. */
  command(...packages: readonly string[]): void {
    this.#script.push(...packages);
  }

  /** The first body, so far or yet to come, that fits; the earlier ones are forgotten. */
  async receive(fits: (body: string) => boolean): Promise<string> {
    for (;;) {
      const at = this.received.findIndex(fits);
      if (at >= 0) return this.received.splice(0, at + 1).at(-1) ?? '';
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #answer(body: string): string | undefined {
    this.received.push(body);
    for (const wake of this.#waiting.splice(0)) wake();
    if (this.isDown) return undefined;
    this.#nonce = nextNonceIn(body) ?? this.#nonce;
    const msgRef = Number(textIn(body, 'MsgID'));
    const alerts = elementsIn(body, 'Alert').map((alert) => ({
      cmdId: textIn(alert, 'CmdID') ?? '',
      isGeneric: alert.includes('<Data>1226</Data>'),
    }));
    const replaces = elementsIn(body, 'Replace').map((replace) => textIn(replace, 'CmdID') ?? '');
    const statuses = [
      rawStatus(1, msgRef, '0', 'SyncHdr', msgRef === 1 ? 212 : 200),
      ...alerts.map(({ cmdId, isGeneric }, at) =>
        rawStatus(2 + at, msgRef, cmdId, 'Alert', isGeneric ? this.alertStatus : 200),
      ),
      ...replaces.map((cmdId, at) => rawStatus(50 + at, msgRef, cmdId, 'Replace', 200)),
    ].join('');
    const header = {
      sessionId: textIn(body, 'SessionID') ?? '',
      msgId: msgRef,
      target: 'gw-1',
      source: this.url,
      proof: msgRef === 1 ? md5Proof(this.id, this.#secret, this.#nonce) : undefined,
      locName: this.id,
      maxObjBytes: this.maxObjBytes,
    };
    if (!body.includes('<Final')) {
      return rawMessage(header, `${statuses}<Alert><CmdID>99</CmdID><Data>1222</Data></Alert>`, false);
    }
    return rawMessage(header, statuses + (this.#script.shift() ?? ''));
  }
}

/** Add or Replace of one leaf. */
export function rawWrite(kind: 'Add' | 'Replace', cmdId: number, locUri: string, data: string, format = 'chr'): string {
  const text = data.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<${kind}><CmdID>${cmdId}</CmdID><Item><Target><LocURI>${locUri}</LocURI></Target><Meta><Format xmlns="syncml:metinf">${format}</Format></Meta><Data>${text}</Data></Item></${kind}>`;
}

/** A Get of nodes. */
export function rawGet(cmdId: number, ...locUris: readonly string[]): string {
  const items = locUris.map((locUri) => `<Item><Target><LocURI>${locUri}</LocURI></Target></Item>`).join('');
  return `<Get><CmdID>${cmdId}</CmdID>${items}</Get>`;
}

/** An Exec without an argument. */
export function rawExec(cmdId: number, locUri: string, correlator?: string): string {
  const named = correlator === undefined ? '' : `<Correlator>${correlator}</Correlator>`;
  return `<Exec><CmdID>${cmdId}</CmdID>${named}<Item><Target><LocURI>${locUri}</LocURI></Target></Item></Exec>`;
}
