import { fromHex } from '../../base/bytes.ts';
import { refused } from '../../base/errors.ts';
import { PeerRefusal } from '../../services/ports.ts';
import { platformRandom } from '../../services/platform-random.ts';
import { SealedRounds } from '../../services/sealed-rounds.ts';
import { READINESS_LASTS } from '../../services/trustee-calls.ts';
import { TrusteeDesk } from '../../services/trustee-desk.ts';
import type { TrusteeMessage } from '../../election/trustee-messages.ts';
import type { StationEvent } from '../../services/events.ts';
import type { HandedIn, WishedCeremony } from './commands.ts';
import { keepEvidence } from './evidence.ts';
import { reportResults } from './report-results.ts';
import type { OpenElection } from './election-folder.ts';
import type { Emit } from './reports.ts';
import { ownTrustees } from './trustee-keys.ts';

/** Who is or will be trustee, what the organiser waits for, and how ready they are. */
export async function reportTrustees({ organiser }: OpenElection, emit: Emit): Promise<void> {
  const { trustees, ceremony, readiness } = await organiser.status();
  await emit({ event: 'trustees', trustees, ceremony, readiness });
}

/** Begins a key ceremony in the place of one that was under way. Throws `bad-ceremony`. */
export async function startCeremony(
  { organiser }: OpenElection,
  { threshold, trustees }: WishedCeremony,
  emit: Emit,
): Promise<void> {
  await organiser.ceremony.start({
    threshold,
    trustees: trustees.map((one) => ({ ...one, invitation: fromHex(one.invitation) ?? new Uint8Array() })),
  });
  const ceremony = organiser.ceremony.standing();
  if (ceremony !== undefined) await emit({ event: 'ceremony-started', ceremony });
}

/** Asks all trustees anew to show that they could decrypt; those whose keys the organiser holds do at once. Throws `no-trustees`. */
export async function callTrustees(election: OpenElection, emit: Emit): Promise<void> {
  await election.organiser.calls.call();
  await answerWithOwnKeys(election);
  await reportTrustees(election, emit);
}

/** Before a round opens: asks the trustees where they were not of late, and answers with the keys that the organiser holds. */
export async function testOwnKeys(election: OpenElection): Promise<void> {
  const { log, organiser } = election;
  if (log.state.trustees === undefined) return;
  const called = log.state.call?.entry.time;
  if (called === undefined || log.logTime() - called > READINESS_LASTS) await organiser.calls.call();
  await answerWithOwnKeys(election);
}

/** Answers the newest call with the trustees' keys that the organiser holds. */
export async function answerWithOwnKeys({ log, organiser, place }: OpenElection): Promise<void> {
  if (log.state.call === undefined) return;
  const own = await ownTrustees(place.keys, new SealedRounds().trustees(log.state));
  await organiser.calls.answerWith(
    own.map(({ secret }) => secret),
    platformRandom,
  );
}

/** Says how ready the trustees are where no more than are needed could decrypt, and others exist. */
export async function warnOfFewTrustees(election: OpenElection, emit: Emit): Promise<void> {
  const readiness = election.organiser.calls.readiness();
  if (readiness === undefined || readiness.spare > 0) return;
  if (readiness.ready.length + readiness.absent.length > 1) await reportTrustees(election, emit);
}

/**
 * Takes what trustees handed in as files; each is reported, and the result with the last decryption. Throws `wrong-election` for what is for another
 * one, and `not-taken` after all if any was refused. `reveal`: count although the result shows how single voters voted.
 */
export async function handIn(
  election: OpenElection,
  { messages, reveal }: { readonly messages: readonly HandedIn[]; readonly reveal: boolean },
  emit: Emit,
): Promise<void> {
  const { log, place } = election;
  const told: StationEvent[] = [];
  const desk = new TrusteeDesk(log, election.organiser, (event) => {
    told.push(event);
    election.onEvent(event);
  });
  let refusals = 0;
  for (const { electionId, message } of messages) {
    if (electionId !== log.electionId)
      throw refused('wrong-election', 'What the trustee made is for another election.', {
        hint: `It is for ${electionId}; this one is ${log.electionId}.`,
      });
    const refusal = await refusalOf(desk, message, reveal);
    if (refusal !== null) refusals++;
    await emit({ event: 'handed-in', what: message.kind, trustee: trusteeOf(message), refused: refusal });
  }
  for (const event of told) {
    if (event.type === 'trustee-refused' && event.evidence !== null)
      await keepEvidence(place.data, event.evidence);
    if (event.type === 'decryption-taken' && event.missing === null)
      await reportResults(election, emit, event.round);
  }
  if (refusals > 0)
    throw refused('not-taken', `${refusals} of ${messages.length} files could not be used.`, {
      hint: 'The reason is above. Send the trustee the log as it is now ("admin export --car FILE"), for "trustee answer".',
    });
}

async function refusalOf(
  desk: TrusteeDesk,
  message: TrusteeMessage,
  reveal: boolean,
): Promise<string | null> {
  try {
    await desk.handIn(message, { reveal });
    return null;
  } catch (error) {
    if (error instanceof PeerRefusal) return error.message;
    throw error;
  }
}

function trusteeOf(message: TrusteeMessage): number {
  return message.kind === 'step' ? message.step.trustee : message.trustee;
}
