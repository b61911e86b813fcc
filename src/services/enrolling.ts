import { CID } from 'multiformats/cid';
import { equalBytes } from '../base/bytes.ts';
import { PsephosError, refused } from '../base/errors.ts';
import { publicKeyOf } from '../crypto/signature.ts';
import { encodeEnrolment, equalEnrolments, signEnrolment } from '../election/enrolment.ts';
import type { Enrolment } from '../election/entries.ts';
import type { Receipt } from '../log/receipt.ts';
import { type PeerClient, PeerRefusal } from './ports.ts';
import { type KnownElection, enrolmentInReceipt, findVoter, openReceipt } from './voter-session.ts';

/** The two seeds of an enrolment, 32 bytes each: of the key on the roll, as the secret gives it, and of the voter's own key. */
export interface EnrolmentSeeds {
  readonly old: Uint8Array;
  readonly own: Uint8Array;
}

/** An enrolment that is in the log, and its receipt, which was checked. */
export interface Enrolled {
  readonly receipt: Receipt;
  /** The voter's own public key, 32 bytes. */
  readonly key: Uint8Array;
}

/**
 * Finds out whether a secret can be used to enrol a key now, before a key is made for it; gives the voter's name on the roll. Throws `too-late`,
 * `already-enrolled`, `unknown-voter` or `wrong-secret`.
 */
export async function expectEnrollable(
  client: PeerClient,
  election: KnownElection,
  who: { readonly seed: Uint8Array; readonly username: string },
): Promise<string> {
  const record = await findVoter(client, election, who).catch(asUsed);
  if (record.enrolled === true) throw usedSecret();
  if (election.round !== null) throw tooLate();
  return record.name;
}

/**
 * Enrols a voter's own key and checks the receipt before saying so. Doing it again with the same seeds is harmless, and gives the same receipt, at any
 * time. Throws the refusal as `refused(code)`, or `bad-receipt`.
 */
export async function enrolKey(
  client: PeerClient,
  election: KnownElection,
  seeds: EnrolmentSeeds,
): Promise<Enrolled> {
  const enrolment = enrolmentOf(election, seeds);
  let text;
  try {
    text = await client.enrol(encodeEnrolment(enrolment));
  } catch (error) {
    if (error instanceof PeerRefusal) throw await refusal(error, client, enrolment);
    throw error;
  }
  const receipt = openReceipt(text, election);
  if (!equalEnrolments(enrolmentInReceipt(receipt), enrolment)) {
    throw refused('bad-receipt', "The receipt doesn't hold: it is for another enrolment.", {
      hint: 'Keep your key file, and tell the organiser and the observers.',
    });
  }
  return { receipt, key: enrolment.key };
}

/** Whether the log says that the own key stands for the voter: a secret that was used may have been used for this very key. */
export async function isEnrolled(client: PeerClient, ownSeed: Uint8Array): Promise<boolean> {
  const key = publicKeyOf(ownSeed);
  const record = await client.standing({ key });
  return record?.enrolled === true && equalBytes(record.key, key);
}

function enrolmentOf({ electionId }: KnownElection, { old, own }: EnrolmentSeeds): Enrolment {
  return signEnrolment(CID.parse(electionId), old, own);
}

/** A peer's refusal in the words of whoever enrols. */
async function refusal(error: PeerRefusal, client: PeerClient, { voter }: Enrolment): Promise<Error> {
  if (error.code === 'too-late') return tooLate(error);
  if (error.code !== 'already-enrolled') return refused(error.code, error.message, { cause: error });
  // The old key is gone from the roll once it was replaced; where it is there, the new key is what can't be taken.
  if ((await client.standing({ key: voter })) === undefined) return usedSecret(error);
  return refused('already-enrolled', 'This key is on the roll already, or was enrolled by another voter.', {
    hint: 'Name another key file, or a new one: --key-file FILE.',
    cause: error,
  });
}

function asUsed(error: unknown): never {
  if (error instanceof PsephosError && error.code === 'already-enrolled') throw usedSecret(error);
  throw error;
}

function usedSecret(cause?: unknown): Error {
  return refused(
    'already-enrolled',
    'This secret was used before: a key is enrolled with it, and it is not this one.',
    {
      hint: 'If that was you, name the key file that you made then: --key-file FILE. If it was not, tell the organiser at once: somebody had your secret.',
      cause,
    },
  );
}

function tooLate(cause?: unknown): Error {
  return refused('too-late', 'A key can be enrolled only before the first round opens, and it was opened.', {
    hint: 'Vote with your username and the secret on your sheet.',
    cause,
  });
}
