import { type Result, err, ok } from '../../../base/result.ts';
import type { ArchiveEntry } from '../archive/reader.ts';
import { problemText } from '../encoding/problem.ts';
import {
  decodeOwned,
  decodePartialDecryption,
  decodeResult,
  decodeSizedEncryptedTally,
  encodeEncryptedTally,
} from '../encoding/tally.ts';
import type { EncryptedTally, Result as ElectionResult } from '../messages.ts';
import type { BallotBoard } from './board.ts';
import type { AuditCryptography, OwnedDecryption } from './cryptography.ts';
import type { ArchiveFindings } from './report.ts';
import type { AuditedSetup, AuditedTrustees } from './setup.ts';

/** What has to be known before decryptions and the result can be judged. */
interface Ground {
  readonly trustees: AuditedTrustees;
  readonly tally: EncryptedTally;
}

/** Checks what comes after the ballots: the encrypted tally, the partial decryptions, the result. */
export class TallyingAudit {
  readonly #setup: AuditedSetup;
  readonly #cryptography: AuditCryptography;
  readonly #findings: ArchiveFindings;
  /** Of the ballots, and what the archive says too; undefined before that, or when the two differ. */
  #tally: EncryptedTally | undefined;
  readonly #decryptions: OwnedDecryption[] = [];
  #result: ElectionResult | undefined;

  constructor(setup: AuditedSetup, cryptography: AuditCryptography, findings: ArchiveFindings) {
    this.#setup = setup;
    this.#cryptography = cryptography;
    this.#findings = findings;
  }

  /** The archive's result if it is valid. */
  get result(): ElectionResult | undefined {
    return this.#result;
  }

  /** 4.18: the tally is made again from the ballots, and its text and the numbers with it are compared. */
  encryptedTally(entry: ArchiveEntry, board: BallotBoard): void {
    this.#findings.begin('tally');
    const wrong = (reason: string) => {
      this.#findings.invalid('tally', reason);
    };
    if (this.#setup.credentials === undefined) {
      this.#findings.notJudged('tally', 'who may vote, with what weight, is not known');
      return;
    }
    const [tallyText = '', sizedText = ''] = entry.data.map(({ text }) => text);
    const sized = decodeSizedEncryptedTally(sizedText, 'as-it-stands');
    if (!sized.ok) {
      wrong(`sized tally: ${problemText(sized.error)}`);
    } else {
      const { numTallied, totalWeight } = sized.value;
      if (numTallied !== board.counted.size) {
        wrong(`num_tallied is ${numTallied}, but ${board.counted.size} ballots count`);
      }
      if (totalWeight !== board.totalWeight) {
        wrong(`total_weight is ${totalWeight}, but the ballots that count weigh ${board.totalWeight}`);
      }
    }
    const { election } = this.#setup;
    if (election === undefined) {
      this.#findings.notJudged('tally', 'the election could not be read');
      return;
    }
    const tally = this.#cryptography.encryptedTally(election, board.counted.values());
    if (encodeEncryptedTally(tally) === tallyText) this.#tally = tally;
    else wrong('the encrypted tally is not that of the valid ballots');
  }

  /** 4.20: checked as soon as it is there, whether or not a result follows. */
  partialDecryption(entry: ArchiveEntry): void {
    this.#findings.begin('decryptions');
    const [decryptionText = '', ownedText = ''] = entry.data.map(({ text }) => text);
    const owned = decodeOwned(ownedText, 'as-it-stands');
    const decryption = decodePartialDecryption(decryptionText, 'as-it-stands');
    if (!owned.ok) {
      this.#findings.invalid('decryptions', `owner: ${problemText(owned.error)}`);
      return;
    }
    const { owner } = owned.value;
    if (!decryption.ok) {
      this.#findings.invalid('decryptions', `of trustee ${owner}: ${problemText(decryption.error)}`);
      return;
    }
    const ground = this.#ground();
    if (!ground.ok) {
      this.#findings.notJudged('decryptions', ground.error);
      return;
    }
    const { trustees, tally } = ground.value;
    const key = trustees.keys[owner - 1];
    if (key === undefined) {
      this.#findings.invalid('decryptions', `there is no trustee ${owner}`);
      return;
    }
    const verified = this.#cryptography.verifyPartialDecryption(
      this.#setup.electionHash,
      key,
      tally,
      decryption.value,
    );
    if (verified.ok) this.#decryptions.push({ owner, decryption: decryption.value });
    else this.#findings.invalid('decryptions', `of trustee ${owner}: ${verified.error}`);
  }

  /** 4.21 */
  resultEvent(entry: ArchiveEntry, board: BallotBoard): void {
    this.#findings.begin('result');
    const result = decodeResult(entry.data[0]?.text ?? '', 'as-it-stands');
    if (!result.ok) {
      this.#findings.invalid('result', problemText(result.error));
      return;
    }
    const ground = this.#ground();
    if (!ground.ok) {
      this.#findings.notJudged('result', ground.error);
      return;
    }
    const { trustees, tally } = ground.value;
    // The tally tells numbers apart only modulo the group's order.
    if (result.value.flat().some((votes) => votes > board.totalWeight)) {
      this.#findings.invalid('result', 'a number is larger than the weight of all ballots');
      return;
    }
    const verified = this.#cryptography.verifyResult(
      trustees.trustees,
      tally,
      this.#decryptions,
      result.value,
    );
    if (verified.ok) this.#result = result.value;
    else this.#findings.invalid('result', verified.error);
  }

  #ground(): Result<Ground, string> {
    const { trustees } = this.#setup;
    if (trustees === undefined) return err('the trustees are not valid');
    if (this.#tally === undefined) return err('the encrypted tally is not valid');
    return ok({ trustees, tally: this.#tally });
  }
}
