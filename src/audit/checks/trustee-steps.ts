import { CeremonyRecord } from '../../belenios/v1/ceremony/record.ts';
import { verifyReadiness } from '../../belenios/v1/readiness.ts';
import type { SoundTrustees } from '../../belenios/v1/sealed-round.ts';
import type { CeremonyEntry, ReadinessEntry, TrusteesEntry } from '../../election/entries.ts';
import type { Findings } from '../report.ts';

/** Makes key ceremonies again from their steps, and checks what trustees proved when they were called. */
export class TrusteeStepsCheck {
  readonly #findings: Findings;
  #record: CeremonyRecord | undefined;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** The newest ceremony, as far as it came. */
  get ceremony(): CeremonyRecord | undefined {
    return this.#record;
  }

  /** `cid` is the entry's own. */
  step({ seq, step }: CeremonyEntry, cid: { toString(): string }): void {
    if (step.kind === 'start') {
      this.#record = new CeremonyRecord({ ...step, ceremony: cid.toString() });
      return;
    }
    const taken = this.#record?.take(step);
    if (taken?.ok === false)
      this.#findings.add({
        check: 'ceremony',
        seq,
        message: `the ${step.kind} of trustee ${step.trustee}: ${taken.error.reason}`,
      });
  }

  /** Trustees after a ceremony must be those that it made. */
  trustees({ seq, trustees }: TrusteesEntry): void {
    if (this.#record === undefined || this.#record.trustees === trustees) return;
    this.#findings.add({
      check: 'ceremony',
      seq,
      message: 'the trustees are not those that the key ceremony before them made',
    });
  }

  /** `electionId` as text. */
  readiness(entry: ReadinessEntry, electionId: string, trustees: SoundTrustees | undefined): void {
    const key = trustees?.keys[entry.trustee - 1];
    const verified =
      key === undefined
        ? ({ ok: false, error: `there is no trustee ${entry.trustee}` } as const)
        : verifyReadiness(
            { electionId, call: entry.call.toString(), trustee: entry.trustee },
            key,
            entry.proof,
          );
    if (!verified.ok) this.#findings.add({ check: 'readiness', seq: entry.seq, message: verified.error });
  }
}
