import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { utf8ToBytes } from '#src/base/bytes.js';
import { group, type Scalar } from '#src/crypto/group/group.js';
import { sha256 } from '#src/crypto/hash.js';
import { ballotContext, sealBallot, verifyBallot } from '#src/belenios/v1/ballot.js';
import { decryptPartially } from '#src/belenios/v1/decryption.js';
import { decodeBallot } from '#src/belenios/v1/encoding/ballot.js';
import { decodePublicCredentials } from '#src/belenios/v1/encoding/credentials.js';
import { decodeElection } from '#src/belenios/v1/encoding/election.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { electionHash } from '#src/belenios/v1/encoding/hashes.js';
import { decodePrivateKeyFile } from '#src/belenios/v1/encoding/key-files.js';
import {
  decodeEncryptedTally,
  decodeOwned,
  decodePartialDecryption,
  decodeResult,
  encodeEncryptedTally,
} from '#src/belenios/v1/encoding/tally.js';
import { decodeCertificateKeys, decodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import { type Choice } from '#src/belenios/v1/answer.js';
import type { Ballot, Question } from '#src/belenios/v1/messages.js';
import { judgeDecryptions, openTally } from '#src/belenios/v1/opening.js';
import { memberSecrets } from '#src/belenios/v1/signed-message.js';
import { TallySum } from '#src/belenios/v1/tally.js';
import { verifyTrustees } from '#src/belenios/v1/trustees.js';
import { repositoryPath } from '../../support/repository.ts';
import { valueOf } from '../../support/results.ts';
import { ELECTIONS, fixture, textsOf } from '../fixtures.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));
const textOf = (path: string): string => new TextDecoder().decode(fixture(path));
const hasFile = (path: string): boolean => existsSync(repositoryPath(`test/fixtures/belenios/${path}`));

/** Elections whose voters' and trustees' secrets are known. */
const OPEN_BOOKS = ELECTIONS.filter((name) => hasFile(`${name}/private/privcreds.json`));

/** The secret of a voter's private credential in Belenios' own form (4.8). */
function secretOf(uuid: string, credential: string): Scalar {
  const halves = [0, 1].map((i) => sha256(utf8ToBytes(`derive_credential|${uuid}|${i}|${credential}`)));
  return group.scalarFromHash(new Uint8Array(Buffer.concat(halves)));
}

async function setupOf(name: string) {
  const [texts] = await textsOf(`${name}/tallied.bel`, 'Setup');
  const [electionText = '', trusteesText = '', credentialsText = ''] = texts ?? [];
  const election = valueOf(decodeElection(electionText));
  const credentials = valueOf(decodePublicCredentials(credentialsText, 'as-it-stands'));
  return {
    election,
    hash: electionHash(electionText),
    trustees: valueOf(decodeTrustees(trusteesText)),
    weights: new Map(credentials.map(({ key, weight }) => [pointText(key), weight ?? 1n])),
  };
}

async function ballotsOf(name: string): Promise<Ballot[]> {
  const texts = await textsOf(`${name}/tallied.bel`, 'Ballot');
  return texts.map(([text = '']) => valueOf(decodeBallot(text)));
}

const cellsOf = ({ answers }: Ballot) => answers.map(({ choices }) => choices);

/** A vote as `choices.json` has it, cell by cell. */
function choiceOf({ blank }: Question, cells: readonly number[]): Choice {
  if (blank === true && cells[0] === 1) return null;
  const own = blank === true ? cells.slice(1) : cells;
  return own.flatMap((bit, index) => (bit === 1 ? [index] : []));
}

assert.ok(OPEN_BOOKS.length >= 6);
for (const name of OPEN_BOOKS) {
  describe(`the election ${name}, with its secrets`, () => {
    it('has the tally of the last ballots, however replaced ones are left out', async () => {
      const { election, weights } = await setupOf(name);
      const ballots = await ballotsOf(name);
      const running = new TallySum(election);
      const last = new Map<string, Ballot>();
      for (const ballot of ballots) {
        const credential = pointText(ballot.credential);
        const weight = weights.get(credential);
        assert.ok(weight !== undefined);
        const earlier = last.get(credential);
        if (earlier !== undefined) running.remove(cellsOf(earlier), weight);
        running.add(cellsOf(ballot), weight);
        last.set(credential, ballot);
      }
      const [[tallyText = ''] = []] = await textsOf(`${name}/tallied.bel`, 'EncryptedTally');
      assert.equal(encodeEncryptedTally(running.value()), tallyText);
    });

    it('is decrypted by our trustees with the same factors to the same result', async () => {
      const { election, hash, trustees, weights } = await setupOf(name);
      const { publicKey, keys } = valueOf(verifyTrustees(trustees));
      assert.deepEqual(publicKey, election.publicKey);
      const [[tallyText = ''] = []] = await textsOf(`${name}/tallied.bel`, 'EncryptedTally');
      const [[resultText = ''] = []] = await textsOf(`${name}/tallied.bel`, 'Result');
      const tally = valueOf(decodeEncryptedTally(tallyText));
      const decryptions = [];
      for (const [decryptionText = '', ownedText = ''] of await textsOf(
        `${name}/tallied.bel`,
        'PartialDecryption',
      )) {
        const { owner } = valueOf(decodeOwned(ownedText));
        const share = ['privkey', 'secret']
          .map((kind) => `${name}/private/trustee${owner}.${kind}`)
          .find(hasFile);
        assert.ok(share !== undefined);
        const secret = valueOf(decodePrivateKeyFile(textOf(share)));
        assert.deepEqual(group.multiplyBase(secret), keys[owner - 1]);
        const decryption = decryptPartially(hash, secret, tally, random);
        const archived = valueOf(decodePartialDecryption(decryptionText));
        assert.deepEqual(decryption.decryptionFactors, archived.decryptionFactors);
        decryptions.push({ owner, decryption });
      }
      const { factors, ignored } = judgeDecryptions(hash, keys, tally, decryptions);
      assert.deepEqual(ignored, []);
      const total = [...weights.values()].reduce((a, b) => a + b, 0n);
      assert.deepEqual(
        valueOf(openTally(trustees, tally, factors, total)),
        valueOf(decodeResult(resultText)),
      );
    });

    it('has credentials and questions for which we can seal the same votes', async () => {
      const { election, hash, weights } = await setupOf(name);
      const context = ballotContext(election, hash);
      const privateCredentials = JSON.parse(textOf(`${name}/private/privcreds.json`)) as Record<
        string,
        string
      >;
      const votes = JSON.parse(textOf(`${name}/choices.json`)) as [string, number[][]][];
      for (const [login, cells] of votes.slice(0, 3)) {
        const secret = secretOf(election.uuid, privateCredentials[login] ?? '');
        const choices = election.questions.map((question, at) => choiceOf(question, cells[at] ?? []));
        const { ballot } = sealBallot(context, secret, choices, random);
        assert.ok(weights.has(pointText(ballot.credential)), login);
        assert.deepEqual(verifyBallot(context, ballot), {
          ok: true,
          value: {
            credential: ballot.credential,
            choices: ballot.answers.map((answer) => answer.choices),
          },
        });
      }
    });

    it('has certificates by the keys of its members’ seeds', async () => {
      const { trustees } = await setupOf(name);
      let owner = 0;
      for (const trustee of trustees) {
        if (trustee.kind === 'Single') {
          owner++;
          continue;
        }
        for (const { message } of trustee.parameters.certs) {
          const seed = textOf(`${name}/private/trustee${++owner}.key`).trim();
          const { signing, decryption } = valueOf(memberSecrets(seed));
          const { verification, encryption } = valueOf(decodeCertificateKeys(message));
          assert.deepEqual(group.multiplyBase(signing), verification);
          assert.deepEqual(group.multiplyBase(decryption), encryption);
        }
      }
    });
  });
}
