import type { Store, VoterRecord } from './ports.ts';

/** Those who voted in a round, from the index, each with the place of the ballot that counts. */
export async function* votersIn(
  store: Pick<Store, 'voters'>,
  round: number,
): AsyncGenerator<VoterRecord & { readonly seq: number }> {
  for await (const { seq, ...voter } of store.voters()) {
    if (voter.round === round && seq !== null) yield { ...voter, seq };
  }
}
