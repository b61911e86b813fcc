import { equalBytes } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import { type Point, group } from '../../../crypto/group/group.ts';
import { type ComplaintContent, complaintContentText, signedMessageText } from '../encoding/ceremony.ts';
import { pointText } from '../encoding/elements.ts';
import { decodeCoefexps } from '../encoding/trustees.ts';
import { type Random, challengeOf, commitment, proofFor } from '../proofs.ts';
import { isSigned, signMessage } from '../signed-message.ts';
import { type Certificates, ceremonyName, certificateOf } from './certificates.ts';
import { readEncrypted, sharedPoint } from './encrypted-message.ts';
import type { Fault, Offence, Proven } from './fault.ts';
import type { EncryptedMessage } from './messages.ts';
import type { SoundPolynomial } from './polynomials.ts';
import { judgeSecret } from './secrets.ts';
import { type Seat, secretFrom, takeVinput } from './trustee.ts';

/**
 * A complaint lets anyone see what its author saw: the shared point of one encrypted secret, with which it can be opened, and a proof (of equal
 * discrete logarithms, Chaum and Pedersen) that this is the point. It makes public what the sender sent. Not of Belenios.
 *
 * A sender can copy or shift the `alpha` of any message to the complainer, which the shared point then opens as well, that of the complainer's own
 * share included. So a trustee sends a voutput or a complaint, never both, and has to remember which; the ceremony ends with a
 * complaint, and its seeds may never be used again.
 */

const PREFIX = 'complaint|';

/**
 * A complaint about the secret that a trustee sent, from the vinput that step 5 refused. Only for who has sent no voutput and never will.
 * The error, for which nothing is revealed, says that there is nothing to complain about, or that the fault is one that everybody can see.
 */
export function complain(
  seat: Seat,
  certificates: readonly string[],
  vinput: string,
  sender: number,
  random: Random,
): Result<string, string> {
  const input = takeVinput(seat, certificates, vinput);
  if (!input.ok) return err('the fault is not in a secret');
  const { secrets, coefexps } = input.value.message;
  const [secret, signed] = [secrets[sender - 1], coefexps[sender - 1]];
  if (secret === undefined || signed === undefined || sender === seat.index)
    return err('there is no such sender');
  const message = readEncrypted(secret);
  if (!message.ok) return err('the fault is not hidden by the encryption');
  if (secretFrom(seat, input.value, sender).ok) return err('the secret is what it should be');
  const { decryption, signing } = seat.secrets;
  const statement: Statement = {
    ceremony: ceremonyName(input.value.certificates),
    complainer: seat.index,
    sender,
    encryption: input.value.own.encryption,
    message: message.value,
    shared: sharedPoint(decryption, message.value),
  };
  const w = group.randomScalar(random);
  const challenge = challengeOf(
    statementText(statement, group.multiplyBase(w), group.multiply(w, message.value.alpha)),
  );
  const content = complaintContentText.encode({
    ceremony: statement.ceremony,
    complainer: seat.index,
    sender,
    coefexps: signed,
    secret,
    shared: statement.shared,
    proof: proofFor(w, decryption, challenge),
  });
  return ok(signedMessageText.encode(signMessage(signing, PREFIX + content, random)));
}

/** What came of a complaint. */
export interface Judgement {
  /** Whether the sender is accused; else it is who complained. */
  readonly upheld: boolean;
  readonly fault: Fault;
}

/**
 * Judges a complaint that came from trustee `complainer`, given the sender's polynomial messages as they were accepted, by index; anyone with
 * these and the certificates comes to the same judgement. Precisely:
 *
 * - upheld by signature: the sender signed, for this recipient and under the key of its certificate, a secret that its signed coefexps
 *   contradict, or signed two lists of coefexps;
 * - upheld by delivery: the encrypted secret of the accepted message holds nothing that the sender signed for this recipient. The sender
 *   made it so, or who delivered its message did;
 * - dismissed by signature: the complainer signed a complaint whose proof is wrong, or in which nothing is wrong;
 * - dismissed by delivery: it is no complaint of this ceremony, or is about another encrypted secret than the accepted one and nothing in it
 *   is signed by the sender. The complainer made that up, or was delivered it.
 */
export function judgeComplaint(
  certificates: Certificates,
  accepted: ReadonlyMap<number, SoundPolynomial>,
  complainer: number,
  text: string,
): Judgement {
  const dismiss = (proven: Proven, reason: string, offence: Offence = 'false-complaint'): Judgement => ({
    upheld: false,
    fault: { offence, accused: [complainer], proven, reason, evidence: [text] },
  });
  const content = contentOf(certificates, complainer, text);
  if (content === undefined)
    return dismiss('delivery', 'not a complaint, or not signed by who complains', 'malformed');
  const { sender, coefexps, secret, shared, proof } = content;
  if (content.ceremony !== ceremonyName(certificates))
    return dismiss('delivery', 'the complaint is of another ceremony', 'other-certificates');
  const polynomial = accepted.get(sender);
  const message = readEncrypted(secret);
  if (content.complainer !== complainer || sender === complainer || polynomial === undefined || !message.ok)
    return dismiss('signature', 'the complaint is about no secret of this ceremony');
  const statement: Statement = {
    ...content,
    encryption: certificateOf(certificates, complainer).encryption,
    message: message.value,
  };
  const commitments = [
    commitment(group.generator, statement.encryption, proof),
    commitment(message.value.alpha, shared, proof),
  ] as const;
  if (!equalBytes(challengeOf(statementText(statement, ...commitments)), proof.challenge))
    return dismiss('signature', 'the proof of the shared point does not hold');
  const points = decodeCoefexps(coefexps.message);
  const { verification } = certificateOf(certificates, sender);
  if (!isSigned(verification, coefexps.message, coefexps.signature) || !points.ok)
    return dismiss('signature', 'the coefexps of the complaint are not signed by the sender');
  const evidence = [polynomial.text, text];
  if (coefexps.message !== polynomial.message.coefexps.message)
    return {
      upheld: true,
      fault: {
        offence: 'two-polynomials',
        accused: [sender],
        proven: 'signature',
        reason: 'two lists of coefexps are signed by the trustee',
        evidence,
      },
    };
  const judged = judgeSecret({
    certificates,
    sender,
    recipient: complainer,
    shared,
    message: message.value,
    coefexps: points.value,
    evidence,
  });
  if (judged.ok) return dismiss('signature', 'the secret is what it should be');
  if (judged.error.proven === 'delivery' && secret !== polynomial.message.secrets[complainer - 1])
    return dismiss('delivery', 'the encrypted secret is not the one that was accepted');
  return { upheld: true, fault: judged.error };
}

function contentOf(
  certificates: Certificates,
  complainer: number,
  text: string,
): ComplaintContent | undefined {
  const signed = signedMessageText.decode(text);
  if (!signed.ok) return undefined;
  const { message, signature } = signed.value;
  if (!message.startsWith(PREFIX)) return undefined;
  if (!isSigned(certificateOf(certificates, complainer).verification, message, signature)) return undefined;
  const content = complaintContentText.decode(message.slice(PREFIX.length));
  return content.ok ? content.value : undefined;
}

/** What a complaint's proof is about: `shared` is to `message.alpha` what `encryption` is to the generator. */
interface Statement {
  readonly ceremony: string;
  readonly complainer: number;
  readonly sender: number;
  readonly encryption: Point;
  readonly message: EncryptedMessage;
  readonly shared: Point;
}

function statementText(
  { ceremony, complainer, sender, encryption, message, shared }: Statement,
  a: Point,
  b: Point,
): string {
  const [ek, alpha, d] = [encryption, message.alpha, shared].map(pointText);
  return `complaint|${ceremony}|${complainer}|${sender}|${ek}|${alpha}|${d}|${pointText(a)},${pointText(b)}`;
}
