import type { Refusal } from '../election/refusal.ts';
import type { EventListener } from './events.ts';
import { PeerRefusal } from './ports.ts';

/** Reports that a ballot is refused, for the reasons found, and makes the answer to whoever sent it: all reasons under the first one's code. */
export function ballotRefusal(found: readonly Refusal[], onEvent: EventListener): PeerRefusal {
  const code = found[0]?.code ?? 'internal';
  const reason = found.map(({ message }) => message).join(' ');
  onEvent({ type: 'ballot-refused', code, reason });
  return new PeerRefusal(code, reason);
}
