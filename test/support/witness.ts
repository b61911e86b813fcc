import { BallotChecks } from '#src/services/ballot-checks.js';
import type { LogView } from '#src/services/log-view.js';
import { WitnessDesk, type WitnessInit } from '#src/services/witness-desk.js';

/** A witness desk of an authority whose events are of no interest, unless told otherwise. */
export function witnessDesk(log: LogView, init: Partial<WitnessInit> = {}): WitnessDesk {
  return new WitnessDesk({
    log,
    clock: { now: () => Date.now() },
    checks: new BallotChecks(),
    isAuthority: true,
    onEvent: () => undefined,
    ...init,
  });
}
