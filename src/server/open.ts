import { randomBytes, randomInt } from 'node:crypto';
import { DmError } from '../protocol/errors.ts';
import { encodeNotification } from '../protocol/notification/notification.ts';
import { listenDm } from '../transport/http-listener.ts';
import { createServerSessions } from '../transport/server-sessions.ts';
import { openUdpSender } from '../transport/udp-sender.ts';
import { createServerApplication, SENDABLE } from './application.ts';
import { createGatewayWaker, type GatewayWaker } from './gateway-waker.ts';
import type { DmServer, DmServerSetup, FanOutOrder, GatewayAccount, GroupOrder } from './server.ts';
