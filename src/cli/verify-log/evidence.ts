import { type EvidenceOutcome, outcomeAlone, outcomeWith } from '../../audit/evidence.ts';
import type { AuditReport } from '../../audit/report.ts';
import type { LogSource } from '../../audit/source.ts';
import { refused, unusable } from '../../base/errors.ts';
import { fingerprint } from '../../crypto/credential.ts';
import {
  type Evidence,
  type JudgedEvidence,
  MAX_EVIDENCE_BYTES,
  judgeEvidence,
  parseEvidence,
} from '../../log/evidence.ts';
import { readSmallFile } from '../../store/small-file.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';
import { programLine, shellWord } from '../program-line.ts';

/** Evidence as it was found in a file: its signatures hold, and it shows what its kind says, as far as that goes by itself. */
export interface GivenEvidence {
  readonly file: string;
  readonly kind: Evidence['kind'];
  readonly judged: JudgedEvidence;
}

/** Reads an evidence file. Throws `bad-evidence`: usage where it is none, refused where it shows nothing; or the file system's refusal. */
export async function readEvidence(file: string): Promise<GivenEvidence> {
  const text = await readSmallFile(file, MAX_EVIDENCE_BYTES);
  const evidence = text === undefined ? undefined : parseEvidence(text);
  if (evidence?.ok !== true) {
    const why = evidence === undefined ? 'it is too long, or not text' : evidence.error;
    throw unusable('bad-evidence', `${file} is not a file of evidence: ${printable(why)}.`, {
      hint: 'Evidence is the file ending in .evidence.json that a voter’s program or an observer wrote.',
    });
  }
  const judged = judgeEvidence(evidence.value);
  if (!judged.ok) {
    throw refused('bad-evidence', `The evidence in ${file} shows nothing: ${printable(judged.error)}.`, {
      hint: 'It was altered or made up. It says nothing against anybody.',
    });
  }
  return { file, kind: evidence.value.kind, judged: judged.value };
}

/** Says what evidence shows by itself; whether that is proven. */
export function reportAlone(evidence: GivenEvidence, out: Console): boolean {
  const outcome = outcomeAlone(evidence.judged);
  const { electionId, genesis } = evidence.judged;
  out.say(
    `Evidence about the election "${printable(genesis.title)}"\n` +
      `  Election     ${electionId}\n  Fingerprint  ${fingerprint(electionId)}\n\n`,
  );
  tell(evidence, outcome, out);
  if (outcome.verdict !== 'proven')
    out.say(
      `Hold the log against it:\n\n  ${programLine('verify-log')} LOG --evidence ${shellWord(evidence.file)}\n`,
    );
  return outcome.verdict === 'proven';
}

/**
 * Says what evidence shows with the log that was audited; false where it is proven that the authority broke its word, so that the log
 * is not to be called valid. Throws `wrong-election` for evidence about another one.
 */
export async function reportWith(
  evidence: GivenEvidence,
  report: AuditReport,
  source: LogSource,
  out: Console,
): Promise<boolean> {
  const id = report.election?.id;
  if (id !== evidence.judged.electionId) {
    throw refused(
      'wrong-election',
      `The evidence is about election ${evidence.judged.electionId}, and the log is of ${id ?? 'none that can be told'}.`,
    );
  }
  const outcome: EvidenceOutcome =
    report.verdict === 'valid' || evidence.kind === 'fork'
      ? await outcomeWith(evidence.judged, report, source)
      : { verdict: 'open', message: 'the log is not valid, so that the evidence can not be held against it' };
  out.say('\n');
  tell(evidence, outcome, out);
  return outcome.verdict !== 'proven';
}

const WORDS: Readonly<Record<EvidenceOutcome['verdict'], string>> = {
  proven: 'PROVEN',
  kept: 'KEPT',
  open: 'NOT PROVEN',
};

function tell({ kind, judged }: GivenEvidence, { verdict, message }: EvidenceOutcome, out: Console): void {
  out.emit({ event: 'evidence', kind, electionId: judged.electionId, verdict, message });
  out.say(`${WORDS[verdict]}: ${message}.\n`);
}
