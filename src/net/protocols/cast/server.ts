import type { NodeService } from '../../../services/ports.ts';
import type { ProtocolServer } from '../../protocol.ts';
import { CAST } from './constants.ts';
import { encodeCastAnswer, readCastRequest } from './by-shape.ts';
import { type CastRequest, castRequestSchema } from './messages.ts';

/** The receipt is sent only when the service has committed the ballot: that is what `cast` resolving means. */
export function castServer(service: Pick<NodeService, 'cast'>): ProtocolServer<CastRequest> {
  return {
    spec: CAST,
    request: castRequestSchema,
    readByShape: readCastRequest,
    async answer({ ballot }, call) {
      await call.sendEncoded(encodeCastAnswer(await service.cast(ballot)));
    },
  };
}
