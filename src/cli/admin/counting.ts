import { refused } from '../../base/errors.ts';
import type { GivenDecryption } from '../../belenios/v1/decrypting.ts';
import { decryptWith } from '../../services/decrypting.ts';
import { platformRandom } from '../../services/platform-random.ts';
import { SealedRounds } from '../../services/sealed-rounds.ts';
import type { DecryptionFile } from '../../store/decryption-files.ts';
import type { OpenElection } from './election-folder.ts';
import type { Emit } from './reports.ts';
import { ownTrustees } from './trustee-keys.ts';

export interface CountWish {
  /** What trustees handed in as files. */
  readonly decryptions: readonly DecryptionFile[];
  /** Whether to count although the result shows how single voters voted. */
  readonly reveal: boolean;
}

/**
 * Counts the closed sealed round as far as the decryptions go that are handed in, together with those by the trustees whose keys the organiser
 * holds. Resolves to the round when its result is in the log; undefined when trustees are missing. Throws `nothing-to-count`,
 * `wrong-election`, `wrong-round`, `small-group`.
 */
export async function countRound(
  election: OpenElection,
  wish: CountWish,
  emit: Emit,
): Promise<number | undefined> {
  const { organiser } = election;
  await reportConcerns(election, emit);
  const given = wish.decryptions.map((file) => fitting(file, election));
  const { round, trustees, invalid, missing } = await organiser.count(
    [...given, ...(await ownDecryptions(election))],
    { reveal: wish.reveal },
  );
  await emit({
    event: 'counted',
    round: round.entry.round,
    trustees,
    invalid,
    missing: missing ?? null,
  });
  return missing === undefined ? round.entry.round : undefined;
}

/** Warns of what the result will reveal, whatever was voted. */
export async function reportConcerns({ organiser }: OpenElection, emit: Emit): Promise<void> {
  const concerns = await organiser.concerns();
  if (concerns.length > 0) await emit({ event: 'concerns', concerns });
}

function fitting(file: DecryptionFile, { log }: OpenElection): GivenDecryption {
  const { round } = log.state;
  if (file.electionId !== log.electionId) {
    throw refused('wrong-election', `The decryption by trustee ${file.trustee} is for another election.`, {
      hint: `It is for ${file.electionId}; this one is ${log.electionId}.`,
    });
  }
  if (file.round !== round?.entry.round) {
    throw refused(
      'wrong-round',
      `The decryption by trustee ${file.trustee} is for round ${file.round}, not for round ${round?.entry.round ?? 0}.`,
      { hint: 'Ask the trustee to run "trustee decrypt" again, on the log as it is now.' },
    );
  }
  return { trustee: file.trustee, partialDecryption: file.partialDecryption, proof: file.proof };
}

async function ownDecryptions({ log, place }: OpenElection): Promise<GivenDecryption[]> {
  const { state } = log;
  const { round } = state;
  if (state.phase !== 'counting' || round?.tally === undefined) return [];
  const rounds = new SealedRounds();
  const trustees = rounds.trustees(state);
  const sealed = rounds.round(state, round);
  const { tally } = round;
  return (await ownTrustees(place.keys, trustees)).map(({ secret }) =>
    decryptWith(secret, trustees, sealed, tally, platformRandom),
  );
}
