import { adminLine } from './command-lines.ts';
import type { Place } from './election-folder.ts';
import { statusText } from './render.ts';
import type { Restored } from './restore.ts';

/** What is in no log, so that no observer has it. */
export type LostPart = 'draft' | 'credentials' | 'checks' | 'invitations';

const LISTEN = '--listen /ip6/::/tcp/4000 --listen /ip4/0.0.0.0/tcp/4000';

const LOST: Readonly<Record<LostPart, string>> = {
  draft: 'a round that was prepared and not opened: prepare it again with "admin next-round"',
  credentials:
    "the voters' sheets and secrets: voters vote with those that they have, and nobody can print them again",
  checks: "the counts of voters' programs that found, or missed, their ballots",
  invitations:
    'the invitations of trustees who have not joined yet: if they don\'t have theirs, begin anew with "admin trustees invite"',
};

export function lostParts({ status }: Pick<Restored, 'status'>): LostPart[] {
  const { ceremony, phase } = status;
  const awaited =
    ceremony?.done === false &&
    ceremony.ended === null &&
    ceremony.invited.some(({ next }) => next === 'key' || next === 'certificate');
  return [
    ...(phase === 'ready' ? (['draft'] as const) : []),
    'credentials',
    'checks',
    ...(awaited ? (['invitations'] as const) : []),
  ];
}

/** What was restored, what was not, and what comes next. `now` is in ms. */
export function restoredText(place: Place, restored: Restored, now: number): string {
  const { status, compared, observers, files } = restored;
  const asked = observers === 1 ? '1 observer was asked' : `${observers} observers were asked`;
  return [
    statusText(status, now),
    '',
    `Restored in ${place.data}: all ${status.entries} entries were checked. They continue every checkpoint that was found (${compared}; ${asked}).`,
    'What is in no log is lost:',
    ...lostParts(restored).map((part) => `  - ${LOST[part]}`),
    'Entries that nobody had got yet before the folder was lost are lost as well: whoever has a receipt for one can prove that it is missing.',
    ...(files.length === 0
      ? []
      : [`Written again: ${files.map((file) => `${place.data}/${file}`).join(', ')}`]),
    ...trusteeLines(restored),
    observers > 0
      ? 'Before it adds anything, the program asks the same observers once more whether anybody has more than this. Start it:'
      : "No observer could be asked whether this is all that was signed. Find that out (voters' receipts say of how many entries), then start it:",
    `  ${adminLine(place, `${LISTEN}${observers > 0 ? '' : ' --trust-copy'}`)}`,
  ].join('\n');
}

function trusteeLines({ status, ownTrustees }: Restored): string[] {
  if (status.trustees === null) return [];
  return [
    ownTrustees.length === 0
      ? "None of the trustees' keys is here. If you were one, put the copy of your trustee key back, beside your own key."
      : `You have the trustee key of ${status.trustees
          .filter(({ trustee }) => ownTrustees.includes(trustee))
          .map(({ trustee, name }) => name ?? `trustee ${trustee}`)
          .join(', ')}.`,
  ];
}
