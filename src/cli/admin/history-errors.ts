import { type PsephosError, refused } from '../../base/errors.ts';
import type { HeldCheckpoint } from '../../services/restoring/held-checkpoints.ts';
import { printable } from '../printable.ts';

const TWO_HISTORIES = "going on would make this election's key sign two histories";

/** Somebody has a checkpoint of more entries than there are. `have` says how many there are, and where. */
export function historyIncomplete(
  {
    checkpoint,
    holders,
  }: Pick<HeldCheckpoint, 'holders'> & { readonly checkpoint: { readonly size: number } },
  have: string,
  hint: string,
): PsephosError {
  const who = holders.length === 0 ? 'Somebody' : holders.map(printable).join(', ');
  return refused(
    'history-incomplete',
    `${who} ${holders.length > 1 ? 'hold' : 'holds'} a checkpoint of ${checkpoint.size} entries, signed with this election's key, and ${have}; ${TWO_HISTORIES}.`,
    { hint },
  );
}

/** The authority signed two histories. `evidence` is where what proves it is kept. */
export function logConflict(
  sizes: { readonly first: number; readonly second: number },
  evidence: string,
): PsephosError {
  return refused(
    'log-conflict',
    `This election's key signed two histories, one of ${sizes.first} entries and one of ${sizes.second}, that can not both be true.`,
    {
      hint:
        `What proves it: ${evidence}. Find out whether somebody has a copy of the key, or the program ran from an old copy of its folder. ` +
        'Nothing can be signed that contradicts neither: make the election anew.',
    },
  );
}
