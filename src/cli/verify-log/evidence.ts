import { outcomeAlone, outcomeWith } from '../../audit/evidence.ts';
import type { AuditReport, EvidenceOutcome } from '../../audit/report.ts';
import type { LogSource } from '../../audit/source.ts';
import { toHex } from '../../base/bytes.ts';
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
  out.emit(evidenceObject(evidence, outcome));
  out.say(
    `Evidence about the election "${printable(genesis.title)}"\n` +
      `  Election     ${electionId}\n  Fingerprint  ${fingerprint(electionId)}\n  Authority    ${toHex(genesis.authority)}\n\n` +
      evidenceText(outcome),
  );
  if (outcome.verdict !== 'proven')
    out.say(
      `Hold the log against it:\n\n  ${programLine('verify-log')} LOG --evidence ${shellWord(evidence.file)}\n`,
    );
  return outcome.verdict === 'proven';
}

/** What evidence comes to with the log that was audited. Throws `wrong-election` for evidence about another one, and as the source does. */
export async function judgeWith(
  { judged, kind }: GivenEvidence,
  report: AuditReport,
  source: LogSource,
): Promise<EvidenceOutcome> {
  const id = report.election?.id;
  if (id !== judged.electionId) {
    throw refused(
      'wrong-election',
      `The evidence is about election ${judged.electionId}, and the log is of ${id ?? 'none that can be told'}.`,
    );
  }
  if (report.verdict === 'valid' || kind === 'fork') return outcomeWith(judged, report, source);
  const message = 'the log is not valid, so that the evidence can not be held against it';
  return { verdict: 'open', message };
}

const WORDS: Readonly<Record<EvidenceOutcome['verdict'], string>> = {
  proven: 'PROVEN',
  kept: 'KEPT',
  open: 'NOT PROVEN',
};

/** The outcome as an object for a line of JSON. */
export function evidenceObject(
  { kind, judged }: GivenEvidence,
  { verdict, message }: EvidenceOutcome,
): object {
  return { event: 'evidence', kind, electionId: judged.electionId, verdict, message };
}

/** The outcome for people. */
export function evidenceText({ verdict, message }: EvidenceOutcome): string {
  return `${WORDS[verdict]}: ${printable(message)}.\n`;
}
