import type { NodeService } from '../../../services/ports.ts';
import type { TrusteeMessage } from '../../../election/trustee-messages.ts';
import type { ProtocolServer } from '../../protocol.ts';
import { TRUSTEE } from './constants.ts';
import { trusteeRequestSchema } from './messages.ts';

/** The answer is sent only when what was handed in is in the log: that is what `handIn` resolving means. */
export function trusteeServer(service: Pick<NodeService, 'handIn'>): ProtocolServer<TrusteeMessage> {
  return {
    spec: TRUSTEE,
    request: trusteeRequestSchema,
    async answer(message, call) {
      await service.handIn(message);
      await call.send({ taken: true });
    },
  };
}
