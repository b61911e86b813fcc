import type { ReadService, VoterAnswer } from '../../../services/ports.ts';
import type { ProtocolServer } from '../../protocol.ts';
import { INFO } from './constants.ts';
import { type InfoRequest, infoRequestSchema } from './messages.ts';

export function infoServer(service: Pick<ReadService, 'info' | 'standing'>): ProtocolServer<InfoRequest> {
  return {
    spec: INFO,
    request: infoRequestSchema,
    async answer(request, call) {
      await call.send(
        'voter' in request ? publicRecord(await service.standing(request.voter)) : await service.info(),
      );
    },
  };
}

/** Names the fields one by one, so that a field added to the store's record doesn't travel by itself. */
function publicRecord(record: VoterAnswer | undefined): VoterAnswer | null {
  if (record === undefined) return null;
  const { name, key, weight, round, number, seq, enrolled } = record;
  return { name, key, weight, round, number, seq, ...(enrolled === true ? { enrolled } : {}) };
}
