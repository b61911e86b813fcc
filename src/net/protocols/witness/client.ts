import type { BallotCheckReport, Exchange, ExchangeAnswer } from '../../../services/ports.ts';
import type { Requester } from '../../requester.ts';
import { WITNESS } from './constants.ts';
import { exchangeAnswerSchema, notedSchema } from './messages.ts';

/** Tells of the checkpoints known here, and asks for those known there; nothing is checked here. */
export function askExchange(peer: Requester, exchange: Exchange): Promise<ExchangeAnswer> {
  return peer.ask(WITNESS, { exchange }, exchangeAnswerSchema);
}

export async function tellChecks(peer: Requester, checked: BallotCheckReport): Promise<void> {
  await peer.ask(WITNESS, { checked }, notedSchema);
}
