import { dirname } from 'node:path';
import { refused } from '../../base/errors.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import type { Receipt } from '../../log/receipt.ts';
import type { ReceiptVerdict } from '../../services/receipt-check.ts';
import type { VoterWitness } from '../../services/voter-witness.ts';
import type {
  EarlierReceipt,
  ReceiptSubject,
  Visit,
  VoterAlarm,
} from '../../services/witnessing/findings.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { alarmError, raiseAlarm } from './alarm.ts';
import type { Met } from './connect.ts';
import { type WitnessFlags, witnessOf } from './witness.ts';

/** A voter's program keeping its eyes open: what it finds out is said as it is found out. */
export class Watch {
  readonly #witness: VoterWitness;
  readonly #flags: WitnessFlags;
  readonly #io: Io;
  readonly #out: Console;
  readonly #said = new Set<string>();

  /** What every visit begins with. Alarms are said, and kept in files; `expectNone` ends the program for them. */
  static async begin(
    met: Met,
    flags: WitnessFlags,
    io: Io,
    out: Console,
    /** A receipt that is looked at by itself. */
    except?: string,
  ): Promise<Watch> {
    const watch = new Watch(await witnessOf(met, flags, io, out), flags, io, out);
    const visit = await out.during('Comparing what is shown with what others saw', () =>
      watch.#witness.visit(except),
    );
    watch.#sayVisit(visit);
    await watch.#sayAlarms();
    return watch;
  }

  private constructor(witness: VoterWitness, flags: WitnessFlags, io: Io, out: Console) {
    this.#witness = witness;
    this.#flags = flags;
    this.#io = io;
    this.#out = out;
  }

  /** Throws `alarm` with this message where one was raised. */
  expectNone(message: string): void {
    if (this.#witness.alarms.length > 0) throw alarmError(message);
  }

  /** As `verifyReceipt`; a conflict is an alarm besides. */
  async verify(text: string): Promise<ReceiptVerdict> {
    try {
      return await this.#witness.verify(text);
    } finally {
      await this.#sayAlarms();
    }
  }

  /** Remembers a receipt; `round` is that of a ballot. */
  async keep(receipt: Receipt, round: number | null): Promise<void> {
    await this.#witness.keep(receipt, round);
  }

  /**
   * Says which observers confirm a receipt. Throws `alarm` or, where they are fewer than the flags ask for, `not-confirmed`, each with
   * what is certain all the same.
   */
  async confirm(receipt: Receipt, certain: string): Promise<void> {
    const { requireObservers: required = 0 } = this.#flags;
    const words = await this.#out
      .during('Asking observers', () => this.#witness.confirm(receipt, required))
      .catch((error: unknown) => {
        // Whoever has enough of waiting still has the receipt.
        if (this.#io.signal.aborted) return [];
        throw error;
      });
    const confirmed = words.length >= required;
    this.#out.emit({
      event: 'confirmed',
      required,
      confirmed,
      observers: words.map(({ observer, size, time }) => ({
        peerId: peerIdText(observer),
        size,
        time: time * 1000,
      })),
    });
    if (words.length > 0) {
      const names = words.map(({ observer }) => shortName(observer)).join(', ');
      const count = words.length === 1 ? '1 observer' : `${words.length} observers`;
      this.#out.say(`\nConfirmed by ${count}: ${names}\n`);
    } else if (this.#witness.observersReached > 0) {
      this.#out.say('\nNo observer has confirmed it yet. "verify" asks again.\n');
    }
    await this.#sayAlarms();
    this.expectNone(`${certain} But an alarm was raised, see above.`);
    if (confirmed) return;
    throw refused(
      'not-confirmed',
      `${certain} But it is not confirmed: ${words.length} of the ${required} observers that you asked for ${words.length === 1 ? 'has' : 'have'} seen it.`,
      {
        hint: 'Run "verify" with the receipt in a while. If it stays so, ask people who run an observer for its address, and name it with --observer.',
      },
    );
  }

  #sayVisit({ earlier, behind }: Visit): void {
    for (const receipt of earlier) this.#sayEarlier(receipt);
    if (behind !== null) {
      this.#out.note(
        `This observer is behind: it shows ${behind.shown} entries, and ${behind.kept} were seen before.\n`,
      );
      this.#out.emit({ event: 'observer-behind', ...behind });
    }
  }

  #sayEarlier({ subject, index, found, reason, round }: EarlierReceipt): void {
    this.#out.emit({ event: 'earlier', ...subject, round, index, found });
    if (found === 'found')
      this.#out.say(`Your earlier ${nameOf(subject)} is in the log, as entry ${index}.\n`);
    // Of a missing one there is an alarm.
    if (found === 'unknown')
      this.#out.note(`Your earlier ${nameOf(subject)} could not be looked for: ${printable(reason ?? '')}\n`);
  }

  async #sayAlarms(): Promise<void> {
    for (const { peer, reason } of this.#witness.badPeers) {
      if (!this.#isNew(`${peer} ${reason}`)) continue;
      this.#out.note(`NOTE: what ${printable(peer)} says is of no use: ${printable(reason)}.\n`);
      this.#out.emit({ event: 'bad-peer', peer, reason });
    }
    const folder = dirname(this.#flags.receipt ?? '.');
    for (const alarm of this.#witness.alarms)
      if (this.#isNew(idOf(alarm))) await raiseAlarm(alarm, folder, this.#out);
  }

  #isNew(id: string): boolean {
    if (this.#said.has(id)) return false;
    this.#said.add(id);
    return true;
  }
}

function idOf(alarm: VoterAlarm): string {
  return `${alarm.type} ${'checkpoint' in alarm ? alarm.checkpoint : alarm.evidence}`;
}

function nameOf({ tracker, enrolledKey }: ReceiptSubject): string {
  return tracker === undefined ? `key ${enrolledKey ?? ''}` : `ballot ${tracker}`;
}

/** Peer ids of Ed25519 keys all begin alike. */
function shortName(key: Uint8Array): string {
  return `…${peerIdText(key).slice(-8)}`;
}
