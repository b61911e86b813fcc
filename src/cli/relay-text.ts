import type { RelayEvent } from '../net/index.ts';
import { printable } from './printable.ts';

/** What became of a relay, for whoever runs the node behind it. */
export function relayText(event: RelayEvent): string {
  const relay = `relay ${event.relay}`;
  if (event.type === 'relay-held') {
    return event.again
      ? `The ${relay} is back: others get here through it again.`
      : `Others can also get here through the ${relay}.`;
  }
  const why = printable(event.reason);
  return event.before
    ? `WARNING: THE RELAY IS LOST: ${event.relay} (${why}). Who has no other way can't get here until it is back; it is tried every few seconds.`
    : `WARNING: the ${relay} can't be used: ${why}. It is tried again every few seconds.`;
}
