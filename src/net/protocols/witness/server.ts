import type { ReadService } from '../../../services/ports.ts';
import type { ProtocolServer } from '../../protocol.ts';
import { WITNESS } from './constants.ts';
import { type WitnessRequest, witnessRequestSchema } from './messages.ts';

export function witnessServer(
  service: Pick<ReadService, 'exchange' | 'reportChecks'>,
): ProtocolServer<WitnessRequest> {
  return {
    spec: WITNESS,
    request: witnessRequestSchema,
    async answer(request, call) {
      if ('exchange' in request) {
        await call.send(await service.exchange(request.exchange));
        return;
      }
      await service.reportChecks(request.checked);
      await call.send({ noted: true });
    },
  };
}
