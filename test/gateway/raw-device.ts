import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { md5Proof, nextNonceIn, rawMessage, rawStatus, statusIn, textIn } from './raw-syncml.ts';

/** The gateway answered with another HTTP status than 200. */
export class HttpRefused extends Error {
  readonly status: number;
  readonly retryAfter: string | null;

  constructor({ status, headers }: Response) {
    super(`HTTP ${status}`);
    this.status = status;
    this.retryAfter = headers.get('retry-after');
  }
}

/** A device in lock step: it sends exactly what the test tells it to, and keeps only its nonce. */
export class RawDevice {
  readonly id: string;
  readonly #dmUrl: string;
  readonly #user: string;
  readonly #secret: string;
  #nonce: Uint8Array = new Uint8Array();
  #url: string;
  #msgId = 0;
  #sessionId = '1';

  constructor(options: { id: string; dmUrl: string; user: string; secret: string }) {
    this.id = options.id;
    this.#dmUrl = options.dmUrl;
    this.#url = options.dmUrl;
    this.#user = options.user;
    this.#secret = options.secret;
  }

  begin(sessionId: string): void {
    this.#sessionId = sessionId;
    this.#msgId = 0;
    this.#url = this.#dmUrl;
  }

  set nonce(nonce: Uint8Array) {
    this.#nonce = nonce;
  }

  get msgId(): number {
    return this.#msgId;
  }

  /** Sends one message with this body and answers the body of the response. */
  async send(body: string, options: { proof?: boolean; final?: boolean } = {}): Promise<string> {
    this.#msgId += 1;
    const proof = options.proof ? md5Proof(this.#user, this.#secret, this.#nonce) : undefined;
    const header = {
      sessionId: this.#sessionId,
      msgId: this.#msgId,
      target: this.#dmUrl,
      source: this.id,
      locName: this.#user,
      proof,
    };
    const response = await this.post(rawMessage(header, body, options.final ?? true));
    this.#nonce = nextNonceIn(response) ?? this.#nonce;
    this.#url = textIn(response, 'RespURI')?.replaceAll('&amp;', '&') ?? this.#url;
    return response;
  }

  async post(xml: string): Promise<string> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.syncml.dm+xml' },
      body: xml,
    });
    if (response.status !== 200) throw new HttpRefused(response);
    return response.text();
  }

  /** Package 1, up to the commands of the gateway: answers the challenge when there is one. */
  async open(sessionId: string, alert: 1200 | 1201, devId = this.id): Promise<string> {
    this.begin(sessionId);
    const package1 = packageOne(alert, devId);
    const challenged = await this.send(package1, { proof: true });
    if (statusIn(challenged, '0') === 212) return challenged;
    return this.send(rawStatus(1, 1, '0', 'SyncHdr', 212) + package1.replaceAll('<CmdID>', '<CmdID>1'), {
      proof: true,
    });
  }
}

/** Alert and DevInfo as package 1 holds them. */
export function packageOne(alert: 1200 | 1201, devId: string): string {
  const leaves = { DevId: devId, Man: 'raw', Mod: 'lock-step', DmV: '1.2', Lang: 'en' };
  const items = Object.entries(leaves)
    .map(([name, value]) => `<Item><Source><LocURI>./DevInfo/${name}</LocURI></Source><Data>${value}</Data></Item>`)
    .join('');
  return (
    `<Alert><CmdID>1</CmdID><Data>${alert}</Data></Alert>` +
    `<Replace><CmdID>2</CmdID><Meta><Format xmlns="syncml:metinf">chr</Format></Meta>${items}</Replace>`
  );
}

/** A socket that keeps the datagrams it gets. */
export class NotificationSocket {
  readonly #socket: Socket;
  readonly #waiting: Buffer[] = [];
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (datagram) => {
      this.#waiting.push(datagram);
      this.#wake?.();
    });
  }

  static async open(): Promise<NotificationSocket> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new NotificationSocket(socket);
  }

  get address(): string {
    const { port }: AddressInfo = this.#socket.address();
    return `udp://127.0.0.1:${port}`;
  }

  async next(): Promise<Buffer> {
    for (;;) {
      const datagram = this.#waiting.shift();
      if (datagram) return datagram;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  send(address: string, datagram: Uint8Array): void {
    const { hostname, port } = new URL(address);
    this.#socket.send(datagram, Number(port), hostname);
  }

  close(): void {
    this.#socket.close();
  }
}
