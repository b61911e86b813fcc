import { fromHex } from '../../base/bytes.ts';
import { refused } from '../../base/errors.ts';
import { PeerRefusal } from '../../services/ports.ts';
import { platformRandom } from '../../services/platform-random.ts';
import { SealedRounds } from '../../services/sealed-rounds.ts';
import { TrusteeDesk } from '../../services/trustee-desk.ts';
import type { TrusteeMessage } from '../../election/trustee-messages.ts';
import type { HandedIn, WishedCeremony } from './commands.ts';
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

/** Before a round opens: asks the trustees where they never were, and answers with the keys that the organiser holds. */
export async function testOwnKeys(election: OpenElection): Promise<void> {
  const { log, organiser } = election;
  if (log.state.trustees === undefined) return;
  if (log.state.call === undefined) await organiser.calls.call();
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

/** Takes what trustees handed in as files; each is reported. Throws `wrong-election` for what is for another one. */
export async function handIn(
  { log, organiser }: OpenElection,
  messages: readonly HandedIn[],
  emit: Emit,
): Promise<void> {
  const desk = new TrusteeDesk(log, organiser, () => undefined);
  for (const { electionId, message } of messages) {
    if (electionId !== log.electionId)
      throw refused('wrong-election', 'What the trustee made is for another election.', {
        hint: `It is for ${electionId}; this one is ${log.electionId}.`,
      });
    await emit({
      event: 'handed-in',
      what: message.kind,
      trustee: trusteeOf(message),
      refused: await refusalOf(desk, message),
    });
  }
}

async function refusalOf(desk: TrusteeDesk, message: TrusteeMessage): Promise<string | null> {
  try {
    await desk.handIn(message);
    return null;
  } catch (error) {
    if (error instanceof PeerRefusal) return error.message;
    throw error;
  }
}

function trusteeOf(message: TrusteeMessage): number {
  return message.kind === 'step' ? message.step.trustee : message.trustee;
}
