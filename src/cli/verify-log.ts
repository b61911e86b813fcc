import { type Command, InvalidArgumentError } from 'commander';
import { startBallotThreads } from '../audit/archive/ballot-threads.ts';
import { startEntryThreads } from '../audit/entry-threads.ts';
import type { AuditReport } from '../audit/report.ts';
import { refused, unusable } from '../base/errors.ts';
import { programLine } from './program-line.ts';
import { type Console, consoleOf } from './console.ts';
import { DONE, exitCodeOf } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { programNamed, collect } from './program.ts';
import type { ForkFound } from '../services/gathering/agreement.ts';
import { readFingerprint } from './fingerprint.ts';
import type { Flags } from './verify-log/flags.ts';
import { whatIsNamed } from './verify-log/named.ts';
import { beginTarget } from './verify-log/target.ts';

/** The auditor's program. Resolves to the exit code: 0 only for a log in which every check was made and found nothing. */
export async function runVerifyLog(argv: readonly string[], io: Io): Promise<number> {
  // Known before the arguments are parsed, since that may fail too.
  const out = consoleOf(io, argv.includes('--json'));
  let code: number = DONE;
  try {
    const program = verifyLogProgram(io).action(async (logs: readonly string[], flags: Flags) => {
      const [log, ...more] = logs;
      code = exitCodeOfVerdict(
        log === undefined
          ? await judgeAlone(flags, out)
          : more.length > 0
            ? await verifyPeers(logs, flags, io, out)
            : await verify(log, flags, io, out),
      );
    });
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return reportFailure(error, out, programLine('verify-log'));
  }
}

/** 0 for a valid log, 1 for an invalid one. */
export function exitCodeOfVerdict(verdict: AuditReport['verdict']): number {
  switch (verdict) {
    case 'valid':
      return DONE;
    case 'invalid':
      return exitCodeOf(refused('invalid', 'The log is invalid.'));
  }
}

/** Judges evidence without a log: `valid` where it proves something by itself. */
async function judgeAlone(flags: Flags, out: Console): Promise<AuditReport['verdict']> {
  if (flags.evidence === undefined) throw unusable('usage', "error: missing required argument 'log'");
  const { receipt, checkpoint, ballot, election, registrar, askObservers } = flags;
  const ofLogs = [ballot, election, registrar, askObservers].some((flag) => flag !== undefined);
  if (receipt.length > 0 || checkpoint.length > 0 || ofLogs) {
    throw unusable('usage', 'No log is named that the other files and options could be held against.', {
      hint: 'Name the log, or leave out all options but --evidence.',
    });
  }
  const { readEvidence, reportAlone } = await import('./verify-log/evidence.ts');
  return reportAlone(await readEvidence(flags.evidence), out) ? 'valid' : 'invalid';
}

/** Audits one log that is read from several peers at once. */
async function verifyPeers(
  names: readonly string[],
  flags: Flags,
  io: Io,
  out: Console,
): Promise<AuditReport['verdict']> {
  try {
    const kinds = await Promise.all(names.map(whatIsNamed));
    const other = names.find((_name, at) => kinds[at]?.kind !== 'peer');
    if (other !== undefined) {
      throw unusable('usage', `Several logs are named, and ${other} is no address of a peer.`, {
        hint: 'Several addresses or invites are read as one log, as far as they agree. Audit files and folders one by one.',
      });
    }
    const [{ verifyLog }, { dialPeers }, { ForkFound }] = await Promise.all([
      import('./verify-log/log.ts'),
      import('./verify-log/peers.ts'),
      import('../services/gathering/agreement.ts'),
    ]);
    try {
      const target = await out.during('Asking the peers', () => dialPeers(names, flags.election, io.signal));
      return await verifyLog(Promise.resolve(target), [], flags, io, out);
    } catch (error) {
      if (!(error instanceof ForkFound)) throw error;
      return await sayForked(error, out);
    }
  } catch (error) {
    throw orInterrupted(error, io);
  }
}

/** Of two histories there is none to audit. */
async function sayForked({ evidence, message }: ForkFound, out: Console): Promise<AuditReport['verdict']> {
  const [{ reportFork }, { cidOf }] = await Promise.all([
    import('./verify-log/fork.ts'),
    import('../crypto/cid.ts'),
  ]);
  await reportFork(evidence, cidOf(evidence.genesis).toString(), out);
  const reason = `INVALID: ${printable(message)}.`;
  out.emit({ event: 'verdict', verdict: 'invalid', reason });
  out.say(`${reason}\n`);
  return 'invalid';
}

/**
 * Starts what takes its time, threads and the opening of the log, before it loads the rest of the audit: on a log of 100,000
 * ballots a tenth of the time is starting.
 */
async function verify(name: string, flags: Flags, io: Io, out: Console): Promise<AuditReport['verdict']> {
  try {
    const named = await whatIsNamed(name);
    if (flags.askObservers === true && named.kind !== 'peer') {
      throw unusable('usage', `${name} is no address of a peer, which could name observers.`, {
        hint: 'Leave out --ask-observers, or name the address or invite of a running election or of an observer.',
      });
    }
    if (named.kind === 'archive') {
      const threads = named.long ? startBallotThreads(flags.workers) : [];
      const { verifyArchive } = await import('./verify-log/archive.ts');
      return await verifyArchive(name, threads, flags, io, out);
    }
    const { kind } = named;
    const threads = named.kind !== 'peer' && named.long ? startEntryThreads(flags.workers) : [];
    const begun = beginTarget(name, kind, io.signal);
    const opening = out.during(`Opening ${name}`, async () => (await begun).target);
    // It is awaited in its turn; a failure before that must not count as unhandled.
    opening.catch(() => undefined);
    await begun.catch(() => undefined);
    const { verifyLog } = await import('./verify-log/log.ts');
    return await verifyLog(opening, threads, flags, io, out);
  } catch (error) {
    throw orInterrupted(error, io);
  }
}

/** An abort rejects what was waited for with its reason, whatever that is. */
function orInterrupted(error: unknown, io: Io): unknown {
  if (!io.signal.aborted) return error;
  const message = 'Interrupted: the log was not audited to its end, so there is no verdict.';
  return refused('interrupted', message, { cause: error });
}

const EXAMPLES = `
Examples:
  verify-log ./election                                      the data folder, also of an election that is running
  verify-log /ip6/2001:db8::7/tcp/4000/p2p/12D3KooW…         a running election, over the network
  verify-log 'psephos:12D3KooW…/bafyrei…?a=/ip6/2001:db8::7/tcp/4000'
  verify-log election.car --receipt psephos-3qYb1xZw.tlog-proof
  verify-log election.jsonl --json
  verify-log ./election --ballot psephos-3qYb1xZw.opened.json
  verify-log /ip6/…/p2p/12D3KooW… /ip6/…/p2p/12D3KooW…       from several observers at once, if they agree
  verify-log --evidence fork-3f8a0c2b91d4.evidence.json      does it prove that the organiser signed two histories?
  verify-log ./election --evidence psephos-3qYb1xZw.evidence.json
  verify-log 8NRz4k2x1mPqWd.bel                              an election of Belenios (2.1 to 3.3), homomorphic questions

Exit codes: 0 valid, or evidence alone that proves something; 1 invalid, for the reason printed, or interrupted; 2 wrong usage or nothing that can be read;
3 the peer could not be reached.
`;

function verifyLogProgram(io: Io): Command {
  return programNamed('verify-log', io)
    .description(
      'Audits an election: checks every entry of its log and counts every round again. Trusts nobody, changes nothing.',
    )
    .argument(
      '[logs...]',
      "an election's data folder, an exported file (.car, .jsonl), an address or invite of a running one or of an observer (several are read as one log), or a Belenios archive (.bel); not needed to judge evidence of a fork",
    )
    .option(
      '--receipt <file>',
      'a receipt: the log must still hold what it acknowledges; repeatable',
      collect,
      [],
    )
    .option(
      '--checkpoint <file>',
      'a checkpoint seen earlier, which the log must continue; repeatable',
      collect,
      [],
    )
    .option(
      '--ballot <file>',
      "an opened ballot, as the voter's program writes it to have the encryption checked: show what it encrypts",
    )
    .option(
      '--evidence <file>',
      "what shows that the organiser broke their word, as voters' programs and observers write it: say what it proves",
    )
    .option('--ask-observers', 'of a running election: ask the observers that it names, too')
    .option('--election <id>', 'the id that the election must have')
    .option(
      '--registrar <fingerprint>',
      "the fingerprint of the registrar's key, who must have signed the roll",
      readFingerprint,
    )
    .option(
      '--workers <n>',
      'threads that check entries besides the main one (default: one for each further core)',
      readWorkers,
    )
    .option('--json', 'one JSON object per line on stdout, text for people on stderr')
    .addHelpText('after', EXAMPLES);
}

const MAX_WORKERS = 256;

function readWorkers(text: string): number {
  const workers = Number(text);
  if (!/^\d{1,3}$/.test(text) || workers > MAX_WORKERS)
    throw new InvalidArgumentError(`Give a number from 0 to ${MAX_WORKERS}.`);
  return workers;
}
