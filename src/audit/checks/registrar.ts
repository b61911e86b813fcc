import { verify } from '../../crypto/signature.ts';
import type { GenesisEntry, RollEntry } from '../../election/entries.ts';
import { RollDigest } from '../../election/registration.ts';
import type { AuditedElection, Findings } from '../report.ts';

/** Whether the roll in a log is the one that its registrar signed; keeps nothing of a voter. */
export class RegistrarCheck {
  readonly #genesis: GenesisEntry;
  readonly #registrar: NonNullable<GenesisEntry['registrar']>;
  readonly #findings: Findings;
  readonly #digest = new RollDigest();

  private constructor(
    genesis: GenesisEntry,
    registrar: NonNullable<GenesisEntry['registrar']>,
    findings: Findings,
  ) {
    this.#genesis = genesis;
    this.#registrar = registrar;
    this.#findings = findings;
  }

  /** Undefined where the log names no registrar. */
  static of(genesis: GenesisEntry, findings: Findings): RegistrarCheck | undefined {
    const { registrar } = genesis;
    return registrar === undefined ? undefined : new RegistrarCheck(genesis, registrar, findings);
  }

  /** Takes the next part of the roll, and judges the whole with the last one. */
  take({ seq, part, parts, voters }: RollEntry): void {
    for (const voter of voters) this.#digest.add(voter);
    if (part + 1 < parts) return;
    const { uuid, kdf, policy } = this.#genesis;
    const message = this.#digest.message({ uuid, kdf, names: policy.names });
    if (verify(this.#registrar.signature, message, this.#registrar.key)) return;
    this.#findings.add({
      check: 'registrar',
      seq,
      message: 'the roll up to here is not what the registrar signed',
    });
  }
}

/** Whether the log names the registrar whom the auditor means, by the fingerprint that `registrarFingerprint` gives. */
export function expectRegistrar(
  election: AuditedElection | undefined,
  expected: string | undefined,
  findings: Findings,
): void {
  const found = election?.registrar?.fingerprint;
  if (expected === undefined || found === expected) return;
  findings.add({
    check: 'registrar',
    message:
      found === undefined
        ? `the log names no registrar, where ${expected} was expected`
        : `its registrar is ${found}, not ${expected}`,
  });
}
