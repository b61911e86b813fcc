import { PsephosError, refused, unreachable } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import { type Enrolled, enrolKey, expectEnrollable, isEnrolled } from '../../services/enrolling.ts';
import { findVoter, seedOf } from '../../services/voter-session.ts';
import { exists } from '../../store/files.ts';
import { type KeyPair, readKeyFile } from '../../store/key-files.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { programLine, shellWord } from '../program-line.ts';
import { expectRoom, saveReceipt } from '../receipt-file.ts';
import { type Ask, askerOf } from './ask.ts';
import { verifyCommand } from './cast-report.ts';
import { type ConnectFlags, type Met, meet, orInterrupted, readTarget, unpinned } from './connect.ts';
import { type TypedCredentials, missingIdentity, requireFlags, withTyped } from './identify.ts';
import { DEFAULT_KEY_FILE } from './key-file-name.ts';
import { makeVoterKey } from './keygen.ts';
import { confirmFingerprint } from './pinning.ts';
import { readSecret } from './secret.ts';
import { electionJson, electionText } from './show.ts';
import { Watch } from './watch.ts';
import { type WitnessFlags, expectObservers } from './witness.ts';

export interface EnrolFlags extends ConnectFlags, WitnessFlags {
  readonly username?: string;
  readonly secretFile?: string;
  /** Where the own key is, or is to be made. */
  readonly keyFile?: string;
  readonly receipt?: string;
  readonly yes?: boolean;
}

/** Failures after which nobody knows whether the key was enrolled. */
const NO_VERDICT = new Set(['busy', 'internal']);

/**
 * Makes a key file, or takes one that is there, and puts its key in the place of the one on the roll that the voter's secret gives. Checks the receipt and
 * saves it. The file is written before anything is sent, so that the same command finishes what was interrupted.
 */
export async function enrol(flags: EnrolFlags, io: Io, out: Console): Promise<void> {
  const { username, secretFile, yes = false } = flags;
  const ask = await askerOf(io);
  if (ask === undefined) {
    const identity = missingIdentity({
      ...(username === undefined ? {} : { username }),
      ...(secretFile === undefined ? {} : { secretFile }),
    });
    requireFlags(
      [...identity, ...(yes ? [] : ['--yes'])],
      'Give these flags, or run the program in a terminal.',
    );
  }
  await expectObservers(flags);
  const { anchor } = await readTarget(flags);
  if (anchor === 'none' && (ask === undefined || yes)) throw unpinned();
  const keyFile = flags.keyFile ?? DEFAULT_KEY_FILE;
  const own = (await exists(keyFile)) ? await existingKey(flags.keyFile) : undefined;
  if (flags.receipt !== undefined && own === undefined) await expectRoom(flags.receipt);
  const secret = secretFile === undefined ? undefined : await readSecret(secretFile, io);

  const met = await meet(flags, io, out);
  try {
    const { election } = met;
    out.emit(electionJson(election, met.anchor));
    out.say(`${electionText(election, met.anchor, Date.now())}\n`);
    if (met.anchor === 'none') await confirmFingerprint(election, ask, out);
    const watch = await Watch.begin(met, flags, io, out);
    watch.expectNone('Nothing was enrolled: an alarm was raised, see above.');
    const done = await bind({ met, own, keyFile, yes, ask, out, io }, { username, secret });
    await watch.keep(done.receipt, null);
    await report(done, { met, keyFile, flags, out });
    await watch.confirm(done.receipt, 'Your key IS enrolled, and its receipt is saved.');
  } catch (error) {
    throw orInterrupted(error, io);
  } finally {
    await met.client.close();
  }
}

interface Binding {
  readonly met: Met;
  /** Undefined where the key is to be made. */
  readonly own: KeyPair | undefined;
  readonly keyFile: string;
  readonly yes: boolean;
  readonly ask: Ask | undefined;
  readonly out: Console;
  readonly io: Io;
}

/** What came of it; `before` where the log had it already. */
interface Bound extends Enrolled {
  readonly before: boolean;
}

async function bind(binding: Binding, credentials: TypedCredentials): Promise<Bound> {
  const { met, own, keyFile, yes, ask, out } = binding;
  const { client, election } = met;
  return withTyped(credentials, ask, out, async (username, secret) => {
    const old = await out.during('Working out the key that your secret gives', () =>
      Promise.resolve(seedOf(election.genesis, username, secret)),
    );
    const before = own !== undefined && (await isEnrolled(client, own.seed));
    // A secret that was used may have been used for this very key: then the peer knows, and gives the receipt again.
    if (own === undefined) await expectEnrollable(client, election, { seed: old, username });
    if (!before && !yes && !(await ask?.confirm(question(username, keyFile, own), true)))
      throw refused('not-confirmed', 'Nothing was enrolled.');
    const { seed } = own ?? (await makeVoterKey(keyFile));
    const done = await out.during('Enrolling your key', () =>
      orDoubt(() => enrolKey(client, election, { old, own: seed }), binding).catch(async (error: unknown) => {
        // The peer knows only that the key is on no roll; the voter's program can tell why.
        if (error instanceof PsephosError && error.code === 'unknown-voter')
          await findVoter(client, election, { seed: old, username });
        throw error;
      }),
    );
    return { ...done, before };
  });
}

function question(username: string, keyFile: string, own: KeyPair | undefined): string {
  const key = own === undefined ? `make a key in ${keyFile}` : `take the key in ${keyFile}`;
  return `Shall ${username} ${key}, and vote with it alone from now on?`;
}

async function existingKey(named: string | undefined): Promise<KeyPair> {
  if (named !== undefined) return readKeyFile(named, 'voter');
  throw refused('file-exists', `${DEFAULT_KEY_FILE} is there already.`, {
    hint: `To enrol that key, or to finish an enrolment that was interrupted: --key-file ${DEFAULT_KEY_FILE}. To make another one, name another file.`,
  });
}

async function orDoubt(enrolling: () => Promise<Enrolled>, { keyFile, io }: Binding): Promise<Enrolled> {
  try {
    return await enrolling();
  } catch (error) {
    const hint = `Run the same command again with --key-file ${shellWord(keyFile)}: it finishes the enrolment, or says that it is done.`;
    if (io.signal.aborted)
      throw refused('interrupted', 'Interrupted. The key was on its way, and may be enrolled.', {
        hint,
        cause: error,
      });
    if (!(error instanceof PsephosError)) throw error;
    if (error.kind === 'refused' && !NO_VERDICT.has(error.code)) throw error;
    throw unreachable(
      'no-answer',
      `The key was sent, but no receipt came back; it may be enrolled. ${error.message}`,
      { hint, cause: error },
    );
  }
}

async function report(
  { receipt, key, before }: Bound,
  { met, keyFile, flags, out }: { met: Met; keyFile: string; flags: EnrolFlags; out: Console },
): Promise<void> {
  const publicKey = toHex(key);
  const path = flags.receipt ?? `psephos-enrolment-${publicKey.slice(0, 8)}.tlog-proof`;
  await keep(receipt.text, path, out);
  out.emit({
    event: 'enrolled',
    electionId: met.election.electionId,
    publicKey,
    before,
    index: receipt.index,
    logSize: receipt.checkpoint.size,
    keyFile,
    receipt: path,
  });
  out.say(
    `${before ? 'Done before: your key is enrolled.' : 'Enrolled.'} The receipt was checked: your key is in the log, and nobody can vote for you without it.\n\n` +
      `  Key file     ${keyFile}\n` +
      `  Public key   ${publicKey}\n` +
      `  Log entry    ${receipt.index}, in a log of ${receipt.checkpoint.size} entries\n` +
      `  Receipt      ${path}\n\n` +
      'Keep a copy of the key file in a safe place, and give it to nobody. Without it you can not vote: the secret on your sheet votes no longer.\n' +
      'To vote from now on:\n\n' +
      `  ${programLine('voter')} --dial ${shellWord(flags.dial)} --key-file ${shellWord(keyFile)}\n\n` +
      'To check at any time that your key is still in the log:\n\n' +
      `  ${verifyCommand(path, flags.dial)}\n`,
  );
}

/** Where the receipt can't be saved the key is enrolled nevertheless. */
async function keep(text: string, path: string, out: Console): Promise<void> {
  try {
    await saveReceipt(path, text);
  } catch (error) {
    if (!(error instanceof PsephosError)) throw error;
    out.note(`${text}\n`);
    throw refused(
      'receipt-not-saved',
      `Your key IS enrolled, but its receipt could not be saved. ${error.message}`,
      {
        hint: 'The receipt is printed above: copy it into a file. Or run the command again with another --receipt.',
        cause: error,
      },
    );
  }
}
