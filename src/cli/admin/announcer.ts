import { PsephosError } from '../../base/errors.ts';
import type { StationEvent } from '../../services/events.ts';
import type { ForwardingEvent, RelayEvent } from '../../net/index.ts';
import { printable } from '../printable.ts';
import { relayText } from '../relay-text.ts';
import type { Output } from './output.ts';
import { STEP_NAMES } from '../../services/ceremony-desk.ts';
import { closingText, refusedText, turnoutText } from './render.ts';
import { trusteeName } from './trustee-text.ts';

type Accepted = Extract<StationEvent, { type: 'ballot-accepted' }>;

/** Tells the organiser what goes on at the polling station: one line, or one JSON object, per event. */
export class Announcer {
  readonly #output: Output;
  readonly #now: () => number;
  readonly #refused: Record<string, number> = {};
  #refusedShown = '';

  constructor(output: Output, now: () => number) {
    this.#output = output;
    this.#now = now;
  }

  /** Ballots and enrolments refused so far, by wire code. */
  get refused(): Readonly<Record<string, number>> {
    return { ...this.#refused };
  }

  readonly tell = (event: StationEvent): void => {
    switch (event.type) {
      case 'ballot-accepted':
        this.#ballot(event);
        break;
      case 'voter-enrolled':
        this.#output.say(
          `${event.voter} enrolled a key of their own (${event.enrolled} of ${event.voters} voters have)`,
        );
        break;
      case 'enrolment-refused':
      case 'ballot-refused':
        // Counted, and told once a second: whoever sends nonsense must not be able to flood the terminal.
        this.#refused[event.code] = (this.#refused[event.code] ?? 0) + 1;
        return;
      case 'round-opened':
        this.#output.say(`Round ${event.round} is open; ${closingText(event.closes, this.#now())}.`);
        break;
      case 'round-closed':
        this.#output.say(
          `Round ${event.round} is closed${event.reason === 'schedule' ? ', as scheduled' : ''}.`,
        );
        break;
      case 'trustee-step':
        this.#output.say(`${sentence(trusteeName(event))} handed in the ${STEP_NAMES[event.step]}.`);
        break;
      case 'trustees-made':
        this.#output.say(
          'The trustees have made their keys. Compare the fingerprints that "admin trustees" shows with theirs, aloud.',
        );
        break;
      case 'ceremony-ended':
        this.#output.warn(
          `THE KEY CEREMONY HAS FAILED, by what ${trusteeName(event.by)} handed in: ${event.reason}.` +
            `${event.accused.length === 0 ? '' : ` At fault: ${event.accused.map(trusteeName).join(', ')}.`} ` +
            'What shows it is in the log. Begin anew, without who is at fault: "admin trustees invite".',
        );
        break;
      case 'trustee-refused':
        if (event.evidence === null) {
          // Anybody can send nonsense in a trustee's name: counted, and told with the ballots refused.
          this.#refused['trustee-message'] = (this.#refused['trustee-message'] ?? 0) + 1;
          return;
        }
        this.#output.warn(`REFUSED: the ${event.what} of ${trusteeName(event)}: ${event.reason}.`);
        break;
      case 'trustees-called':
        this.#output.say('The trustees are asked to show that they could decrypt.');
        break;
      case 'trustee-ready': {
        const { ready, absent } = event.readiness;
        this.#output.say(
          `${sentence(trusteeName(event))} could decrypt (${ready.length} of ${ready.length + absent.length}).`,
        );
        break;
      }
      case 'decryption-taken':
        this.#output.say(
          `${sentence(trusteeName(event))} has decrypted round ${event.round}${event.missing === null ? '.' : `; ${event.missing}.`}`,
        );
        break;
      case 'fork':
        this.#output.warn(
          `ALARM: THIS ELECTION'S KEY SIGNED TWO HISTORIES, one of ${event.first} entries and one of ${event.second}, and ` +
            'somebody can prove it. Either a copy of the key is in use elsewhere, or this log was taken back to an earlier state. ' +
            'Nothing more is added to it. Tell everybody; the evidence is kept in the data folder, in alarms.',
        );
        break;
      case 'unknown-history':
        this.#output.warn(
          `ALARM: somebody has a checkpoint of ${event.size} entries, signed with this election's key, and this log has only ` +
            `${event.ownSize}. Entries are missing here, or the key is in use elsewhere. Nothing more is added to the log, and voters are told to ` +
            'wait. Stop the program, and restore the log from an observer, into another folder ("admin restore").',
        );
        break;
      case 'observer-known':
        this.#output.say(`An observer is following: ${event.observer.addresses[0] ?? ''}`);
        break;
      case 'ballots-checked':
        return;
      case 'schedule-problem':
        this.#output.warn(`PROBLEM: what was due could not be done, and is tried again: ${event.reason}`);
        break;
      case 'clock-behind':
        this.#output.warn(
          `WARNING: this computer's clock is ${Math.round(event.byMs / 1000)} s behind the newest entry of the log. ` +
            'Entries keep that time until the clock has caught up; check the date and time settings.',
        );
        break;
      case 'store-suspended':
        this.#output.warn(
          `PROBLEM: the disk could not be written (${event.reason}). Voters are told to wait. Free some space or mend the disk; ` +
            'it is tried again every few seconds.',
        );
        break;
      case 'store-resumed':
        this.#output.warn('The disk can be written again; ballots are accepted.');
        break;
      case 'defect':
        this.#output.warn(
          `This is a defect of Psephos, please report it (the election goes on):\n${textOf(event.error)}`,
        );
        this.#output.emit({ event: 'defect', message: String(event.error) });
        return;
    }
    if (event.type === 'trustee-refused') {
      const { trustee, name, what, reason } = event;
      // What shows it is in a file of its own, and may be long.
      this.#output.emit({ event: event.type, trustee, name, what, reason });
      return;
    }
    const { type, ...rest } = event;
    this.#output.emit({ event: type, ...rest });
  };

  /** Tells whether voters can come through a relay. */
  readonly tellRelay = (event: RelayEvent): void => {
    if (event.type === 'relay-lost') this.#output.warn(relayText(event));
    else this.#output.say(relayText(event));
    const { type, ...rest } = event;
    this.#output.emit({ event: type, ...rest });
  };

  /** Tells whether the router forwards the port. */
  readonly tellForwarding = (event: ForwardingEvent): void => {
    if (event.type === 'port-forwarded') {
      this.#output.say(`The router forwards voters to this computer, from ${event.address}.`);
    } else {
      this.#output.warn(
        `WARNING: the router does not forward voters to this computer: ${printable(event.reason)}. It is asked again every minute. ` +
          'You can set it by hand in the router, or use a relay (--relay).',
      );
    }
    const { type, ...rest } = event;
    this.#output.emit({ event: type, ...rest });
  };

  /** Tells why a result's files are missing: the result itself is in the log, whatever becomes of them. */
  readonly resultsNotWritten = (error: unknown): void => {
    if (!(error instanceof PsephosError)) {
      this.tell({ type: 'defect', error });
      return;
    }
    this.#output.warn(
      `PROBLEM: the result is in the log, but its files could not be written: ${error.message}\nType "admin results" to write them.`,
    );
    this.#output.emit({ event: 'results-not-written', reason: error.message });
  };

  /** Tells why something that was to be done beside the polling was not. */
  readonly notDone = (error: unknown): void => {
    if (error instanceof PsephosError) this.tell({ type: 'schedule-problem', reason: error.message });
    else this.tell({ type: 'defect', error });
  };

  /** Tells of refusals since the last call; called about once a second. */
  tellRefusals(): void {
    const text = refusedText(this.#refused);
    if (text === this.#refusedShown) return;
    this.#refusedShown = text;
    this.#output.say(`Refused so far: ${text}`);
    this.#output.emit({ event: 'refusals', refused: this.refused });
  }

  #ballot({ voter, number, turnout }: Accepted): void {
    const what = number === 1 ? 'voted' : `voted again: ballot ${number} replaced an earlier ballot`;
    this.#output.say(`${voter} ${what} (${turnoutText(turnout)})`);
  }
}

/** With a capital letter, to begin a sentence. */
function sentence(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
