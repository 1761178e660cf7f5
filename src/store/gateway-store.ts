import type { FanOutStore } from '../fanout/store.ts';
import type { AuditStore } from './audit.ts';
import type { DeviceAlertStore } from './device-alerts.ts';
import type { DeviceStore } from './devices.ts';
import type { GroupStore } from './groups.ts';
import type { GatewayMeasures } from './measures.ts';
import type { NodeStore, PeerNonceStore, ResetNotificationStore } from './nodes.ts';
import type { ReadResultLines } from './result-lines.ts';

/** All durable state of a gateway, in one database: writes of the same moment share a transaction, whatever part they belong to. */
export interface GatewayStore {
  readonly fanOut: FanOutStore;
  /** Members of a run. */
  readonly resultLines: ReadResultLines;
  readonly devices: DeviceStore;
  readonly deviceAlerts: DeviceAlertStore;
  readonly audit: AuditStore;
  readonly groups: GroupStore;
  readonly nodes: NodeStore;
  readonly peerNonces: PeerNonceStore;
  readonly resetNotifications: ResetNotificationStore;
  measure(): Promise<GatewayMeasures>;
  /** Rejects with `DmError` STORE_WRITE while nothing can be written; it changes nothing that means anything. */
  probe(): Promise<void>;
  close(): Promise<void>;
}
