import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, describe, it } from 'node:test';
import { concatBytes } from '#src/base/bytes.js';
import { scalarOfSeed } from '#src/crypto/group/seed.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeSignedBallot, readBallot, signBallot } from '#src/election/ballot.js';
import type { Question } from '#src/election/entries.js';
import { decodeEntry } from '#src/log/entry-codec.js';
import { parseReceipt } from '#src/log/receipt.js';
import { PollingStation } from '#src/services/polling-station.js';
import { PeerRefusal } from '#src/services/ports.js';
import { proofPool } from '#src/services/proofs/pool.js';
import {
  firstAnswer,
  firstCell,
  firstProof,
  forged,
  innerSigned,
  plusOne,
  plusOrder,
  pointBytes,
  unsignedText,
  writtenPoint,
} from '../support/forged-seals.ts';
import { LARGE_NON_CANONICAL, Point, SMALL_ORDER_ENCODINGS, TORSION } from '../support/made-signatures.ts';
import { SealedElection, type SealedElectionOptions } from '../support/sealed-election.ts';
import { QUESTION, TempElection, testSeed } from '../support/temp-election.ts';

/** Two of the same shape, so that what is in one could stand in the other. */
const TWO: readonly Question[] = [QUESTION, { ...QUESTION, question: 'Which other one?' }];
const VOTE = [[1], [0]] as const;
const [OWN, THIEF] = [scalarOfSeed(testSeed(0)), scalarOfSeed(testSeed(1))];

async function opened(t: TestContext, options: Partial<SealedElectionOptions> = {}): Promise<SealedElection> {
  const election = await SealedElection.create(t, { questions: TWO, ...options });
  await election.open();
  return election;
}

/** The bytes that a voter sends: a sealed text under the voter's signature. */
function ballotOf(election: SealedElection, sealed: string, { voter = 0, number = 1 } = {}): Uint8Array {
  const { cid } = election.round;
  return encodeSignedBallot(signBallot({ form: 'sealed', round: cid, number, sealed }, testSeed(voter)));
}

/** Asserts that each of these ballots is refused with this code and that none is logged, and that a good one still is taken. */
async function expectRefused(
  election: SealedElection,
  code: string,
  ballots: Readonly<Record<string, Uint8Array>>,
  next: { readonly voter?: number; readonly number?: number } = {},
): Promise<void> {
  const station = election.election.station();
  const { log } = election.election;
  const before = { size: log.head.size, ...log.turnout };
  for (const [what, bytes] of Object.entries(ballots)) {
    await assert.rejects(
      station.cast(bytes),
      (error) => {
        assert.ok(error instanceof PeerRefusal, what);
        assert.equal(error.code, code, `${what}: ${error.message}`);
        return true;
      },
      what,
    );
    assert.deepEqual({ size: log.head.size, ...log.turnout }, before, what);
  }
  await station.cast(ballotOf(election, election.seal(next.voter ?? 0, VOTE), next));
  assert.equal(log.head.size, before.size + 1);
}

describe('the polling station of a sealed election', () => {
  it("answers a ballot with a receipt whose tracker is the SHA-256 of the sealed text, as Belenios' is", async (t) => {
    const election = await opened(t);
    const sealed = election.seal(0, VOTE);
    const station = election.election.station();
    const text = await station.cast(ballotOf(election, sealed));
    const receipt = parseReceipt(text);
    assert.ok(receipt.ok);
    const entry = decodeEntry(receipt.value.extra ?? new Uint8Array());
    assert.ok(entry.ok && entry.value.kind === 'ballot');
    const ballot = readBallot(entry.value.ballot);
    assert.ok(ballot.ok && ballot.value.form === 'sealed');
    assert.equal(ballot.value.sealed, sealed);
    const tracker = createHash('sha256').update(sealed).digest('base64').replace('=', '');
    assert.equal(await election.election.log.store.ballotSeq(tracker), receipt.value.index);
  });

  it('gives the same ballot the same receipt: at once, later, and after a restart', async (t) => {
    const election = await opened(t);
    const bytes = ballotOf(election, election.seal(0, VOTE));
    const station = election.election.station();
    const [first, second] = await Promise.all([station.cast(bytes), station.cast(bytes)]);
    await election.vote(1, VOTE);
    const third = await station.cast(bytes);
    await election.election.reopen();
    const fourth = await election.election.station().cast(bytes);
    assert.deepEqual([second, third, fourth], [first, first, first]);
    assert.equal(election.election.log.turnout.ballots, 2);
  });

  it('takes what a voter signs anew without a change, so that the refusals below are for what was changed', async (t) => {
    const election = await opened(t);
    const again = forged(election.seal(0, VOTE), OWN, () => undefined);
    await election.election.station().cast(ballotOf(election, again));
    assert.equal(election.election.log.turnout.ballots, 1);
  });

  it('refuses altered proofs, ciphertexts and numbers', async (t) => {
    const election = await opened(t);
    const seal = (change: Parameters<typeof forged>[2]) =>
      ballotOf(election, forged(election.seal(0, VOTE), OWN, change));
    await expectRefused(election, 'bad-proof', {
      'another challenge': seal((json) => {
        const proof = firstProof(json);
        proof.challenge = plusOne(proof.challenge);
      }),
      'another response': seal((json) => {
        const proof = firstProof(json);
        proof.response = plusOne(proof.response);
      }),
      'an overall proof of another answer': seal((json) => {
        firstAnswer(json).overall_proof = json.answers[1]?.overall_proof ?? [];
      }),
      'the proofs that the first question has, on the second': seal(({ answers }) => {
        if (answers[0] && answers[1]) answers[1] = { ...answers[0], choices: answers[1].choices };
      }),
      'ciphertexts in another order': seal((json) => {
        firstAnswer(json).choices.reverse();
      }),
      'alpha and beta exchanged': seal((json) => {
        const cell = firstCell(json);
        [cell.alpha, cell.beta] = [cell.beta, cell.alpha];
      }),
      'a challenge of q more': seal((json) => {
        const proof = firstProof(json);
        proof.challenge = plusOrder(proof.challenge);
      }),
      'a response of q more': seal((json) => {
        const proof = firstProof(json);
        proof.response = plusOrder(proof.response);
      }),
      'a negative response': seal((json) => {
        firstProof(json).response = '-1';
      }),
      'a proof too few': seal((json) => {
        firstAnswer(json).individual_proofs.pop();
      }),
      'no blank proof': seal((json) => {
        delete firstAnswer(json).blank_proof;
      }),
    });
  });

  it('refuses points outside the group and other encodings of points', async (t) => {
    const election = await opened(t);
    const sealed = election.seal(0, VOTE);
    const ballots: Record<string, Uint8Array> = {};
    for (const field of ['alpha', 'beta'] as const) {
      const put = (what: string, written: (own: string) => string) => {
        const text = forged(sealed, OWN, (json) => {
          const cell = firstCell(json);
          cell[field] = written(cell[field]);
        });
        ballots[`${field} ${what}`] = ballotOf(election, text);
      };
      for (const [index, torsion] of TORSION.entries()) {
        if (torsion.is0()) continue;
        put(`of mixed order, ${index}`, (own) =>
          writtenPoint(Point.fromBytes(pointBytes(own)).add(torsion).toBytes()),
        );
      }
      for (const [index, bytes] of SMALL_ORDER_ENCODINGS.entries())
        put(`of small order, ${index}`, () => writtenPoint(bytes));
      for (const [index, bytes] of LARGE_NON_CANONICAL.entries())
        put(`not canonical, ${index}`, () => writtenPoint(bytes));
      put('in capital letters', (own) => own.toUpperCase().replace(/[0-9]/, 'A'));
      put('too short', (own) => own.slice(2));
      put('in reverse', (own) => Buffer.from(pointBytes(own)).toString('hex'));
    }
    const credential = (bytes: Uint8Array) =>
      ballotOf(
        election,
        forged(sealed, OWN, (json) => {
          json.credential = writtenPoint(bytes);
        }),
      );
    const own = Point.fromBytes(publicKeyOf(testSeed(0)));
    for (const [index, torsion] of TORSION.entries())
      if (!torsion.is0())
        ballots[`credential of mixed order, ${index}`] = credential(own.add(torsion).toBytes());
    await expectRefused(election, 'bad-proof', ballots);
  });

  it('refuses what was made for another round or election, whatever it says of itself', async (t) => {
    const election = await opened(t);
    const other = await opened(t);
    const foreign = other.seal(0, VOTE);
    await election.vote(1, VOTE);
    const earlier = election.seal(0, VOTE);
    await election.close();
    await election.count(election.decryption(1));
    await election.election.organiser.prepare({
      title: 'Run-off',
      questions: TWO,
      opens: null,
      closes: null,
    });
    await election.open();
    const own = JSON.parse(election.seal(0, VOTE)) as { election_uuid: string; election_hash: string };
    const relabelled = (sealed: string, label: Partial<typeof own>) =>
      ballotOf(
        election,
        forged(sealed, OWN, (json) => Object.assign(json, label)),
      );
    const { election_uuid, election_hash } = own;
    const others = JSON.parse(foreign) as typeof own;
    await expectRefused(election, 'bad-proof', {
      'of another election': ballotOf(election, foreign),
      'of another election, relabelled': relabelled(foreign, { election_uuid, election_hash }),
      'of another round': ballotOf(election, earlier),
      'of another round, relabelled': relabelled(earlier, { election_uuid, election_hash }),
      'with the uuid of another': relabelled(election.seal(0, VOTE), {
        election_uuid: others.election_uuid,
      }),
      'with the hash of another': relabelled(election.seal(0, VOTE), {
        election_hash: others.election_hash,
      }),
    });
  });

  it('refuses a ballot of another round or election by what the voter signed', async (t) => {
    const election = await opened(t);
    const other = await opened(t);
    await expectRefused(election, 'wrong-election', { whole: ballotOf(other, other.seal(0, VOTE)) });
  });

  it("refuses a copy of another voter's ballot, and seals under another credential", async (t) => {
    const election = await opened(t);
    const victim = await election.vote(0, VOTE);
    const spoiled = election.seal(0, VOTE);
    const asThief = (json: { credential: string }) => {
      json.credential = writtenPoint(publicKeyOf(testSeed(1)));
    };
    const byThief = { voter: 1 };
    await expectRefused(
      election,
      'bad-proof',
      {
        'that was not cast, under the thief’s signature': ballotOf(election, spoiled, byThief),
        'with the thief’s credential and signature in it': ballotOf(
          election,
          forged(victim, THIEF, asThief),
          byThief,
        ),
        'with the thief’s signature in it': ballotOf(
          election,
          innerSigned(unsignedText(spoiled), THIEF),
          byThief,
        ),
        'with the victim’s credential signed by the thief': ballotOf(
          election,
          innerSigned(unsignedText(victim), THIEF),
          byThief,
        ),
      },
      byThief,
    );
    await expectRefused(
      election,
      'already-voted',
      { 'that was cast': ballotOf(election, victim, { voter: 2 }) },
      { voter: 2 },
    );
  });

  it('refuses a signature that is not the voter’s, inside and outside', async (t) => {
    const election = await opened(t);
    const sealed = election.seal(0, VOTE);
    const { cid: round } = election.round;
    const mine = signBallot({ form: 'sealed', round, number: 1, sealed }, testSeed(0));
    const theirs = signBallot({ form: 'sealed', round, number: 1, sealed }, testSeed(1));
    await expectRefused(election, 'bad-signature', {
      outside: encodeSignedBallot({ body: mine.body, signature: theirs.signature }),
    });
    await expectRefused(
      election,
      'bad-proof',
      {
        inside: ballotOf(election, innerSigned(unsignedText(sealed), THIEF), { number: 2 }),
        'inside, of another content': ballotOf(
          election,
          `${unsignedText(sealed).slice(0, -1)}${election.seal(0, VOTE).replace(/^.*(?=,"signature":)/s, '')}`,
          { number: 2 },
        ),
      },
      { number: 2 },
    );
  });

  it('refuses other numbers of answers', async (t) => {
    const election = await opened(t);
    const seal = (change: Parameters<typeof forged>[2]) =>
      ballotOf(election, forged(election.seal(0, VOTE), OWN, change));
    await expectRefused(
      election,
      'bad-proof',
      {
        'an answer missing': seal(({ answers }) => answers.pop()),
        'no answer': seal((json) => {
          json.answers = [];
        }),
        'a ciphertext missing': seal((json) => firstAnswer(json).choices.pop()),
        'a ciphertext more': seal((json) => firstAnswer(json).choices.push(firstCell(json))),
        'a proof more': seal((json) => firstAnswer(json).overall_proof.push(firstProof(json))),
      },
      {},
    );
    const third = ballotOf(
      election,
      forged(election.seal(0, VOTE), OWN, (json) => json.answers.push(firstAnswer(json))),
      { number: 2 },
    );
    await expectRefused(election, 'too-large', { 'an answer more': third }, { number: 2 });
  });

  it('refuses every other spelling of the text', async (t) => {
    const election = await opened(t);
    const unsigned = unsignedText(election.seal(0, VOTE));
    const spelt = (change: (text: string) => string) => {
      const changed = change(unsigned);
      assert.notEqual(changed, unsigned);
      return ballotOf(election, innerSigned(changed, OWN));
    };
    const whole = election.seal(0, VOTE);
    await expectRefused(election, 'bad-proof', {
      'fields in another order': spelt((text) =>
        text.replace(/^\{("election_uuid":"[^"]*"),("election_hash":"[^"]*")/, '{$2,$1'),
      ),
      'a field twice': spelt((text) => text.replace(/^\{("election_uuid":"[^"]*")/, '{$1,$1')),
      'a field that nobody knows': spelt((text) => text.replace(/^\{/, '{"a":0,')),
      'a field that nobody knows, inside': spelt((text) => text.replace('{"alpha"', '{"a":0,"alpha"')),
      'a space': spelt((text) => text.replace(':', ': ')),
      'an escape': spelt((text) => text.replace('"election_uuid"', '"election\\u005fuuid"')),
      'a number in another spelling': spelt((text) => text.replace('"challenge":"', '"challenge":"0')),
      'a space after it': ballotOf(election, `${whole} `),
      'a line break after it': ballotOf(election, `${whole}\n`),
      'something after it': ballotOf(election, `${whole}{}`),
      'no JSON': ballotOf(election, 'sealed'),
    });
  });

  it('refuses bytes that are no ballot, and ballots that are too large', async (t) => {
    const election = await opened(t);
    const good = ballotOf(election, election.seal(0, VOTE));
    await expectRefused(election, 'malformed', {
      'a byte after it': concatBytes(good, Uint8Array.of(0)),
      'a byte less': good.subarray(0, -1),
      'no text': ballotOf(election, ''),
      'a mark of the byte order before the text': ballotOf(election, `\ufeff${election.seal(0, VOTE)}`),
    });
    const sealed = election.seal(0, VOTE);
    await expectRefused(
      election,
      'too-large',
      { 'with spaces after it': ballotOf(election, sealed + ' '.repeat(10_000), { number: 2 }) },
      { number: 2 },
    );
  });

  it('refuses an open ballot', async (t) => {
    const election = await opened(t);
    const { cid: round } = election.round;
    await expectRefused(election, 'malformed', {
      open: encodeSignedBallot(signBallot({ form: 'open', round, number: 1, choices: VOTE }, testSeed(0))),
    });
  });

  it('refuses the same text under the next number, and skipped and repeated numbers', async (t) => {
    const election = await opened(t);
    const first = await election.vote(0, VOTE);
    const next = { number: 2 };
    await expectRefused(
      election,
      'already-voted',
      {
        'the same text': ballotOf(election, first, next),
        'the same number': ballotOf(election, election.seal(0, VOTE)),
      },
      next,
    );
    await expectRefused(
      election,
      'malformed',
      { 'a number left out': ballotOf(election, election.seal(0, VOTE), { number: 4 }) },
      { number: 3 },
    );
  });

  it('refuses a second ballot where the first one stands, and voters who are not on the roll', async (t) => {
    const election = await opened(t, { policy: { revote: 'never' } });
    await election.vote(0, VOTE);
    await expectRefused(
      election,
      'already-voted',
      { again: ballotOf(election, election.seal(0, VOTE), { number: 2 }) },
      { voter: 1 },
    );
    await expectRefused(
      election,
      'unknown-voter',
      { stranger: ballotOf(election, election.seal(9, VOTE), { voter: 9 }) },
      { voter: 2 },
    );
  });
});

describe('the polling station of an open election', () => {
  it('refuses a sealed ballot', async (t) => {
    const sealed = (await opened(t, { questions: [QUESTION] })).seal(0, [[1]]);
    const election = await TempElection.create(t);
    await election.organiser.open();
    const round = election.log.state.round?.cid ?? assert.fail();
    const station = election.station();
    // A sealed ballot is longer than any open one; and one that is not, is of the wrong form.
    for (const [text, code] of [
      [sealed, 'too-large'],
      ['sealed', 'malformed'],
    ] as const) {
      const ballot = signBallot({ form: 'sealed', round, number: 1, sealed: text }, testSeed(0));
      await assert.rejects(
        station.cast(encodeSignedBallot(ballot)),
        (error) => error instanceof PeerRefusal && error.code === code,
      );
    }
    assert.equal(election.log.turnout.ballots, 0);
    await station.cast(election.ballot(0, [[1]]));
    assert.equal(election.log.turnout.ballots, 1);
  });

  it('with a name in it that is half a character is refused, by a thread that goes on with others', async (t) => {
    const election = await opened(t, { voters: 4 });
    const proofs = proofPool(1);
    t.after(() => proofs.close());
    const events: string[] = [];
    const { log } = election.election;
    const station = new PollingStation(log, ({ type }) => events.push(type), { proofs });
    const sealed = election.seal(0, VOTE);
    for (const name of ['\\ud800', `${'x'.repeat(39)}\ud83d\ude00`]) {
      const hostile = `${sealed.slice(0, -1)},"${name}":1}`;
      await assert.rejects(station.cast(ballotOf(election, hostile)), { code: 'bad-proof' });
    }
    await station.cast(ballotOf(election, election.seal(1, VOTE), { voter: 1 }));
    assert.deepEqual(events, ['ballot-refused', 'ballot-refused', 'ballot-accepted']);
  });

  it('that is larger than any on these questions is refused before anything costly is done with it', async (t) => {
    const election = await opened(t);
    // A body of nothing but empty maps, which takes the general decoder long.
    const body = Uint8Array.from({ length: 200_000 }, (_, at) => (at === 0 ? 0x81 : 0xa0));
    const bytes = encodeSignedBallot({ body, signature: new Uint8Array(64) });
    await expectRefused(election, 'too-large', { 'empty maps': bytes });
  });
});
