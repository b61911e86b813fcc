import type { ReadService } from '../../../services/ports.ts';
import type { ProtocolServer } from '../../protocol.ts';
import { PROOF } from './constants.ts';
import { type ProofRequest, proofRequestSchema } from './messages.ts';

type ProofService = Pick<ReadService, 'inclusion' | 'consistency' | 'latestCheckpoint'>;

export function proofServer(service: ProofService): ProtocolServer<ProofRequest> {
  return {
    spec: PROOF,
    request: proofRequestSchema,
    async answer(request, call) {
      await call.send(await prove(service, request));
    },
  };
}

async function prove(service: ProofService, request: ProofRequest): Promise<unknown> {
  if ('inclusion' in request) return service.inclusion(request.inclusion);
  if ('consistency' in request) {
    return service.consistency(request.consistency.first, request.consistency.second);
  }
  return { checkpoint: (await service.latestCheckpoint()) ?? null };
}
