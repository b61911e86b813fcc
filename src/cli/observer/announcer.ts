import { peerIdText } from '../../crypto/peer-id.ts';
import { type ObserverEvent, isAlarm } from '../../services/observing/events.ts';
import type { RelayEvent } from '../../net/index.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';
import { relayText } from '../relay-text.ts';
import { alarmBox, alarmText } from './alarm-text.ts';

/** Tells whoever runs an observer what goes on: a line, or a JSON object, per event. */
export class ObserverAnnouncer {
  readonly #out: Console;
  #lost = '';

  constructor(out: Console) {
    this.#out = out;
  }

  tell(event: ObserverEvent): void {
    if (isAlarm(event)) {
      this.#out.emit({ event: 'alarm', alarm: event.type, message: alarmText(event) });
      this.#out.note(alarmBox(alarmText(event)));
      return;
    }
    this.#say(event);
  }

  /** Tells whether others can come through a relay. */
  readonly tellRelay = (event: RelayEvent): void => {
    if (event.type === 'relay-lost') this.#out.note(`${relayText(event)}\n`);
    else this.#out.say(`${relayText(event)}\n`);
    const { type, ...rest } = event;
    this.#out.emit({ event: type, ...rest });
  };

  /** Tells whether the organiser can be reached through here. */
  tellReservation(held: boolean): void {
    this.#out.emit({ event: held ? 'reserved' : 'unreserved' });
    this.#out.say(
      held
        ? 'Voters can reach the organiser through here now.\n'
        : "The organiser has gone: voters can't get there through here.\n",
    );
  }

  #say(event: Exclude<ObserverEvent, { type: 'fork' | 'invalid-log' | 'rolled-back' }>): void {
    const { type } = event;
    switch (event.type) {
      case 'following':
        this.#lost = '';
        this.#out.say(
          `Following ${printable(event.peer)}${event.isAuthority ? ', the organiser' : ', another observer'}, from entry ${event.from}.\n`,
        );
        break;
      case 'caught-up':
        this.#out.say(`${event.size} entries, checked.\n`);
        break;
      case 'source-lost':
        // It is tried again every few seconds: once is enough for people.
        if (this.#lost === event.peer) return;
        this.#lost = event.peer;
        this.#out.note(`No answer from ${printable(event.peer)}: ${printable(event.reason)}\nTrying on.\n`);
        break;
      case 'bad-source':
        this.#out.note(
          `WARNING: ${printable(event.peer)} is not to be believed: ${printable(event.reason)}\n`,
        );
        break;
      case 'cosigned':
        break;
      case 'ballots-checked':
        // Counted, and shown with the status: whoever sends any number of them must not be able to fill a log.
        return;
      case 'observer-known':
        this.#out.say(`Another observer: ${printable(event.observer.addresses[0] ?? '')}\n`);
        this.#out.emit({
          event: type,
          peerId: peerIdText(event.observer.key),
          addresses: event.observer.addresses,
        });
        return;
      case 'unknown-history':
        break;
      case 'store-suspended':
        this.#out.note(
          `PROBLEM: the disk could not be written (${event.reason}). Free some space or mend the disk; it is tried again every few seconds.\n`,
        );
        break;
      case 'store-resumed':
        this.#out.note('The disk can be written again.\n');
        break;
      case 'defect':
        this.#out.note(
          `This is a defect of Psephos, please report it (the observer goes on):\n${event.error instanceof Error ? (event.error.stack ?? event.error.message) : String(event.error)}\n`,
        );
        this.#out.emit({ event: type, message: String(event.error) });
        return;
    }
    const { type: name, ...rest } = event;
    this.#out.emit({ event: name, ...rest });
  }
}
