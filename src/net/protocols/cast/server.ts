import type { NodeService } from '../../../services/ports.ts';
import type { ProtocolServer } from '../../protocol.ts';
import { CAST } from './constants.ts';
import { encodeCastAnswer, encodePromise, readCastRequest } from './by-shape.ts';
import { type CastRequest, castRequestSchema } from './messages.ts';

/** The receipt is sent only when the service has committed the ballot: that is what `cast` resolving means. */
export function castServer(service: Pick<NodeService, 'cast'>): ProtocolServer<CastRequest> {
  return {
    spec: CAST,
    request: castRequestSchema,
    readByShape: readCastRequest,
    async answer({ ballot }, call) {
      let promised: Promise<void> = Promise.resolve();
      const receipt = await service.cast(ballot, (promise) => {
        promised = call.sendEncoded(encodePromise(promise));
        // Whether the peer took it shows below; a failure before that must not count as unhandled.
        promised.catch(() => undefined);
      });
      await promised;
      await call.sendEncoded(encodeCastAnswer(receipt));
    },
  };
}
