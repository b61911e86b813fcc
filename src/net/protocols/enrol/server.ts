import type { NodeService } from '../../../services/ports.ts';
import type { ProtocolServer } from '../../protocol.ts';
import { ENROL } from './constants.ts';
import { type EnrolRequest, enrolRequestSchema } from './messages.ts';

/** The receipt is sent only when the service has committed the enrolment: that is what `enrol` resolving means. */
export function enrolServer(service: Pick<NodeService, 'enrol'>): ProtocolServer<EnrolRequest> {
  return {
    spec: ENROL,
    request: enrolRequestSchema,
    async answer({ enrolment }, call) {
      await call.send({ receipt: await service.enrol(enrolment) });
    },
  };
}
