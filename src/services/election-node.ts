import type { ElectionLog } from './election-log.ts';
import type { EnrolmentDesk } from './enrolment-desk.ts';
import type { PollingStation } from './polling-station.ts';
import type { NodeService } from './ports.ts';
import { ServedLog } from './served-log.ts';
import type { TrusteeDesk } from './trustee-desk.ts';
import type { TrusteeMessage } from '../election/trustee-messages.ts';
import type { WitnessDesk } from './witness-desk.ts';

/** Serves an election to peers from the authority's own log: reading for everybody, and a desk for each thing that is taken in. */
export class ElectionNode extends ServedLog implements NodeService {
  readonly #station: PollingStation;
  readonly #enrolments: EnrolmentDesk;
  readonly #trustees: TrusteeDesk;

  constructor(
    log: ElectionLog,
    {
      station,
      enrolments,
      trustees,
      witness,
    }: {
      readonly station: PollingStation;
      readonly enrolments: EnrolmentDesk;
      readonly trustees: TrusteeDesk;
      readonly witness: WitnessDesk;
    },
    now: () => number,
  ) {
    super(log, witness, now);
    this.#station = station;
    this.#enrolments = enrolments;
    this.#trustees = trustees;
  }

  async cast(ballot: Uint8Array, onPromise?: (promise: string) => void): Promise<string> {
    return this.#station.cast(ballot, onPromise);
  }

  async enrol(enrolment: Uint8Array): Promise<string> {
    return this.#enrolments.enrol(enrolment);
  }

  async handIn(message: TrusteeMessage): Promise<void> {
    return this.#trustees.handIn(message);
  }
}
