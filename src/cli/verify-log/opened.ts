import type { AuditReport, AuditedRound } from '../../audit/report.ts';
import { type Result, err, ok } from '../../base/result.ts';
import { sealedTracker } from '../../election/ballot.ts';
import { checkOpening } from '../../services/sealing.ts';
import type { OpenedBallot } from '../../store/opened-ballot-files.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';
import { ballotJson, voteText } from '../vote-text.ts';

/** `not-judged`: the log is not valid, so that there is nothing to hold the ballot against. */
export type OpenedVerdict = 'valid' | 'invalid' | 'not-judged';

/** Judges an opened ballot by the log that was audited, and prints what it encrypts. */
export function reportOpened(opened: OpenedBallot, report: AuditReport, out: Console): OpenedVerdict {
  const { electionId, round, tracker } = opened;
  const about = { event: 'ballot', electionId, round, tracker };
  if (report.verdict === 'invalid') {
    const reason = 'the log is not valid, so that the ballot can not be held against it';
    out.emit({ ...about, verdict: 'not-judged', reason, choices: null });
    out.say(`\nNOT JUDGED: ballot ${tracker}: ${reason}.\n`);
    return 'not-judged';
  }
  const judged = judgeOpened(opened, report);
  if (!judged.ok) {
    out.emit({ ...about, verdict: 'invalid', reason: judged.error, choices: null });
    out.say(`\nINVALID: ballot ${tracker}: ${printable(judged.error)}.\n`);
    return 'invalid';
  }
  const { questions } = judged.value.round;
  out.emit({ ...about, verdict: 'valid', reason: null, choices: ballotJson(questions, opened.choices) });
  out.say(
    `\nThe opened ballot\n  Ballot tracker  ${tracker}\n\n${voteText(questions, opened.choices)}\n` +
      'VALID: the ballot encrypts exactly these choices, and is not among those cast.\n' +
      'Compare them with the choices that were made, and the tracker with the one that was shown before it was decided to\n' +
      'check this ballot.\n',
  );
  return 'valid';
}

/**
 * The round that an opened ballot is for, where the ballot encrypts the choices that it says, has the tracker that it says, and was
 * not cast as far as the audited log goes. The error says what is wrong.
 */
export function judgeOpened(opened: OpenedBallot, report: AuditReport): Result<AuditedRound, string> {
  const electionId = report.election?.id;
  if (opened.electionId !== electionId)
    return err(`it is for election ${opened.electionId}, not for ${electionId ?? 'the one in the log'}`);
  const round = report.rounds.find((one) => one.round.round === opened.round);
  if (round === undefined) return err(`the log has no round ${opened.round}`);
  if (round.sealed === undefined) return err('the ballots of this election are open, none is encrypted');
  const tracker = sealedTracker(opened.sealed);
  if (tracker !== opened.tracker) return err(`its tracker is really ${tracker}`);
  const checked = checkOpening(round.sealed.round, round.round.questions, opened);
  if (!checked.ok) return checked;
  const cast = report.cast.get(tracker);
  if (cast !== undefined)
    return err(
      `it was cast: it is entry ${cast} of the log, and whoever has this file knows how that voter voted; the voter's program must not be used again`,
    );
  return ok(round);
}
