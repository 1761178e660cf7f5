import type { Policy } from '../fanout/policy.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { addDeviceRoutes } from './device-routes.ts';
import { addEnrolmentRoutes } from './enrolment-routes.ts';
import { addGroupRoutes } from './group-routes.ts';
import type { Api } from './listener.ts';
import { addPlanRoutes } from './plan-routes.ts';
import { addRecordRoutes } from './record-routes.ts';
import { addRunEventsRoute } from './run-events-route.ts';
import { addRunResultsRoutes } from './run-results-routes.ts';
import { addRunRoutes } from './run-routes.ts';
import { lookAt } from './run-shape.ts';

/** The whole API of a gateway. `defaults` is the policy where a start says nothing. */
export function addGatewayRoutes(api: Api, gateway: Gateway, defaults: Policy): void {
  addDeviceRoutes(api, gateway);
  addEnrolmentRoutes(api, gateway.enrolment);
  addGroupRoutes(api, gateway, () => Date.now());
  addRunRoutes(api, gateway, defaults);
  addPlanRoutes(api, gateway, defaults);
  addRunResultsRoutes(api, gateway);
  addRunEventsRoute(api, lookAt(gateway.store.fanOut));
  addRecordRoutes(api, gateway);
}
