import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditReport } from '../../audit/report.ts';
import { PsephosError } from '../../base/errors.ts';
import { decodeEntry } from '../../log/entry-codec.ts';
import type { DialledPeer } from '../../net/index.ts';
import { PeerRefusal } from '../../services/ports.ts';
import type { TrusteeMessage } from '../../election/trustee-messages.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { type ConnectFlags, meet, orInterrupted, readTarget, unpinned } from '../voter/connect.ts';
import { auditValid } from './audit.ts';
import { doneText, stepText } from './join-text.ts';
import { withKeyLock } from '../../store/key-lock.ts';
import { type Performing, knownCheckpoints, performAsking, performingWith } from './perform.ts';
import { type KeyFlags, takeUpKey } from './take-up-key.ts';
import { reportTrusteesOf } from './trustees-report.ts';

export interface JoinFlags extends ConnectFlags, KeyFlags {
  /** Do what is due now, and end. */
  readonly once?: true;
  readonly reveal?: true;
}

const PAUSE_MS = 5000;

/**
 * Takes part as a trustee for as long as the program runs: in the key ceremony, in calls, and in decrypting. Whatever is done is in the log or beside
 * the key before anything follows from it, so that this can be ended at any time and started again. Throws what `dutyOf`, `perform` and
 * `auditValid` throw; that the organiser can't be reached is waited out, unless `once` is asked for.
 */
export async function join(flags: JoinFlags, io: Io, out: Console): Promise<void> {
  if ((await readTarget(flags)).anchor === 'none') throw unpinned();
  const own = await takeUpKey(flags, io, out);
  const self = performingWith(own, flags, out);
  await withKeyLock(own.path, () => takePart(flags, self, io, out));
}

async function takePart(flags: JoinFlags, self: Performing, io: Io, out: Console): Promise<void> {
  const isEnded = () => io.signal.aborted;
  while (!isEnded()) {
    try {
      await attend(flags, self, io, out);
      return;
    } catch (error) {
      if (isEnded()) break;
      if (flags.once === true || !isPassing(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      out.note(`${printable(message)}\nTrying again in ${PAUSE_MS / 1000} s; Ctrl-C ends this program.\n`);
      out.emit({ event: 'waiting', message });
      await sleep(PAUSE_MS, undefined, { signal: io.signal }).catch(() => {
        // Aborted: the loop's condition ends it.
      });
    }
  }
  out.say('Stopped. Start it again with the same key whenever you like.\n');
  out.emit({ event: 'stopped' });
}

/** Whether it may be over in a while: the organiser's machine sleeps, or its disk is full. */
function isPassing(error: unknown): boolean {
  return (
    (error instanceof PsephosError && error.kind === 'unreachable') ||
    (error instanceof PeerRefusal && error.code === 'busy')
  );
}

/** Does what is due over one connection, as the log grows. */
async function attend(flags: JoinFlags, self: Performing, io: Io, out: Console): Promise<void> {
  const { client, election } = await meet(flags, io, out);
  try {
    const expected = { expectedElection: election.electionId, expectedAuthority: client.peerKey };
    let said = '';
    for (;;) {
      const known = await knownCheckpoints(
        { path: self.keyPath, publicKey: self.key.publicKey },
        election.electionId,
      );
      const report = await auditValid(client, expected, io, known);
      const performed = await performAsking(report, self, io);
      if (performed.kind === 'message') {
        const refusal = await handIn(client, performed.message, report, out);
        if (refusal === undefined) continue;
        out.note(`${printable(refusal.message)}\n`);
        out.emit({ event: 'refused', code: refusal.code, message: refusal.message });
        if (flags.once === true && refusal.code !== 'too-late') throw refusal;
        // The log went on meanwhile, or has to: what is due then shows when it is looked at again.
        await newsAfter(client, report.size, io);
        continue;
      }
      if (performed.why !== said) {
        said = performed.why;
        out.say(`Nothing to do: ${printable(said)}.\n`);
        out.emit({ event: 'waiting-for', why: said });
      }
      if (flags.once === true) return;
      await newsAfter(client, report.size, io);
    }
  } catch (error) {
    throw orInterrupted(error, io);
  } finally {
    await client.close();
  }
}

/** Undefined once it is in the log; the refusal where it may be taken, or another be due, once the log has grown. */
async function handIn(
  client: DialledPeer,
  message: TrusteeMessage,
  report: AuditReport,
  out: Console,
): Promise<PeerRefusal | undefined> {
  try {
    await client.handIn(message);
  } catch (error) {
    if (error instanceof PeerRefusal && (error.code === 'too-late' || error.code === 'small-group'))
      return error;
    throw error;
  }
  const { kind } = message;
  if (kind === 'step') {
    const { step } = message;
    out.emit({ event: 'step', step: step.kind, trustee: step.trustee, ceremony: message.ceremony });
    out.say(stepText(step.kind));
    return undefined;
  }
  out.emit(
    kind === 'readiness'
      ? { event: 'ready', trustee: message.trustee }
      : { event: 'decrypted', trustee: message.trustee, round: message.round },
  );
  if (kind === 'readiness') reportTrusteesOf(report, message.trustee, out);
  out.say(doneText(message));
  return undefined;
}

/** Waits until the log has an entry that may concern a trustee: any but a ballot. Ends with the signal's reason when it aborts. */
async function newsAfter(client: DialledPeer, size: number, { signal }: Io): Promise<void> {
  for await (const update of client.follow(size)) {
    signal.throwIfAborted();
    if (!('entries' in update)) continue;
    if (update.entries.some(isNews)) return;
  }
}

function isNews(bytes: Uint8Array): boolean {
  const entry = decodeEntry(bytes);
  return !entry.ok || entry.value.kind !== 'ballot';
}
