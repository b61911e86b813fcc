import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { toBase64, toHex } from '#src/base/bytes.js';
import { decodeBallot } from '#src/belenios/v1/encoding/ballot.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { secretToDecimal } from '#src/belenios/v1/encoding/secret-decimal.js';
import { type Scalar, group } from '#src/crypto/group/group.js';
import { scalarOfSeed } from '#src/crypto/group/seed.js';
import { encodeSignedBallot, readBallot, signBallot } from '#src/election/ballot.js';
import { decodeEntry } from '#src/log/entry-codec.js';
import { parseReceipt } from '#src/log/receipt.js';
import { PeerRefusal } from '#src/services/ports.js';
import { platformRandom } from '#src/services/platform-random.js';
import { SealedRounds } from '#src/services/sealed-rounds.js';
import { sealVote } from '#src/services/sealing.js';
import { firstProof, forged, plusOne } from '../support/forged-seals.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { valueOf } from '../support/results.ts';
import { type Ran, args, run, voteAs } from '../support/run-voter.ts';
import { QUESTION } from '../support/temp-election.ts';

const ANSWERS = ['Zwetschgenknödel', 'Quarkstrudel', 'Kaiserschmarrn'];
/** Voter by voter; the first one changes their mind. */
const VOTES: readonly (readonly [voter: number, answer: string])[] = [
  [0, 'Kaiserschmarrn'],
  [1, 'Zwetschgenknödel'],
  [2, 'blank'],
  [0, 'Quarkstrudel'],
];

/** Keeps what the programs draw from the platform's generator, as the scalars that sealing makes of it. */
function watchRandomness(t: TestContext): () => Scalar[] {
  const drawn: Scalar[] = [];
  const { crypto } = globalThis;
  const draw = crypto.getRandomValues.bind(crypto);
  t.mock.method(crypto, 'getRandomValues', (array: Uint8Array<ArrayBuffer>) => {
    draw(array);
    if (array.length === 64) drawn.push(group.reduce(Uint8Array.from(array)));
    return array;
  });
  return () => drawn;
}

/** A secret of 32 bytes in every form in which it might be written. */
function formsOf(bytes: Uint8Array): (string | Uint8Array)[] {
  const orders = [bytes, bytes.toReversed()];
  return orders.flatMap((order) => [order, toHex(order), toBase64(order).replace(/=+$/, '')]);
}

function scalarForms(scalar: Scalar): (string | Uint8Array)[] {
  return [secretToDecimal(scalar), ...formsOf(scalar)];
}

/** Asserts that none of the secrets is anywhere in what somebody else could see. */
function expectNowhere(
  secrets: readonly (string | Uint8Array)[],
  seen: Readonly<Record<string, Uint8Array | string>>,
) {
  for (const [where, content] of Object.entries(seen)) {
    const haystack = Buffer.from(content);
    for (const secret of secrets)
      assert.ok(!haystack.includes(Buffer.from(secret)), `a secret is in ${where}`);
  }
}

/** A sealed text without its points, numbers and hash. */
function shapeOf(sealed: string): string {
  return sealed
    .replace(/"[0-9a-f]{64}"/g, 'point')
    .replace(/"[0-9]+"/g, 'number')
    .replace(/"hash":"[^"]+"/, 'hash');
}

/** The files below a folder that are wanted. */
async function filesBelow(
  folder: string,
  wanted: (name: string) => boolean,
): Promise<Record<string, Uint8Array>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found
    .filter((one) => one.isFile() && wanted(one.name))
    .map((one) => join(one.parentPath, one.name));
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)),
  );
}

async function entriesOf({ source }: PollingPlace): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for await (const chunk of source.entries(0)) entries.push(...chunk);
  return entries;
}

describe('a whole sealed election, driven through the voter’s program', { timeout: 120_000 }, () => {
  it('shows nobody a secret', async (t) => {
    const drawn = watchRandomness(t);
    const place = await PollingPlace.start(t, {
      policy: { secrecy: 'sealed' },
      questions: [{ ...QUESTION, answers: ANSWERS }],
    });
    const ran: Ran[] = [];
    for (const [index, [voter, answer]] of VOTES.entries()) {
      ran.push(await voteAs(place, voter, [answer], `${index}.tlog-proof`));
      assert.equal(ran.at(-1)?.code, 0, ran.at(-1)?.err);
    }
    // As people vote, without --json.
    const plain = (await args(place, 1, ['Quarkstrudel'], 'plain.tlog-proof')).filter(
      (word) => word !== '--json',
    );
    ran.push(await run(plain));
    await place.organiser.close();
    const result = await place.decrypt();
    assert.deepEqual(result.questions, [{ answers: [0, 2, 0], blank: 1, winners: [1] }]);

    const entries = await entriesOf(place);
    const ballots = entries.flatMap((bytes) => {
      const entry = valueOf(decodeEntry(bytes));
      return entry.kind === 'ballot' ? [{ bytes, ballot: valueOf(readBallot(entry.ballot)) }] : [];
    });
    assert.equal(ballots.length, VOTES.length + 1);

    // The numbers that the ballots were encrypted with, told by the points that they give.
    const alphas = new Set<string>();
    const shapes = new Set<string>();
    for (const { ballot } of ballots) {
      assert.equal(ballot.form, 'sealed');
      assert.deepEqual(Object.keys(ballot).sort(), ['form', 'number', 'round', 'sealed', 'voter']);
      shapes.add(shapeOf(ballot.sealed));
      const { answers } = valueOf(decodeBallot(ballot.sealed));
      for (const { choices } of answers) for (const { alpha } of choices) alphas.add(pointText(alpha));
    }
    assert.equal(shapes.size, 1, 'an answer, another one and a blank vote have one form');
    const randomness = drawn().filter((scalar) => alphas.has(pointText(group.multiplyBase(scalar))));
    assert.equal(randomness.length, alphas.size, 'every one of them was seen when it was drawn');
    assert.equal(alphas.size, ballots.length * (ANSWERS.length + 1));

    const own = place.voters.flatMap(({ seed, secret }) => [
      ...formsOf(seed),
      ...scalarForms(scalarOfSeed(seed)),
      ...[secret, secret.replaceAll('-', ''), secret.toLowerCase()],
    ]);
    const secrets = [...own, ...randomness.flatMap(scalarForms)];
    const trustee = place.trustees?.secrets.flatMap(scalarForms) ?? assert.fail();

    const log = Object.fromEntries(entries.map((bytes, seq) => [`entry ${seq}`, bytes]));
    const outputs = Object.fromEntries(ran.map(({ out, err }, index) => [`output ${index}`, `${out}${err}`]));
    const events = { 'the station’s events': JSON.stringify(place.events) };
    const receipts: Record<string, Uint8Array> = {};
    for (const file of (await readdir(place.folder)).filter((name) => name.endsWith('.tlog-proof'))) {
      const text = await readFile(join(place.folder, file), 'utf8');
      receipts[file] = Buffer.from(text);
      receipts[`the entry in ${file}`] = valueOf(parseReceipt(text)).extra ?? assert.fail();
    }
    assert.equal(Object.keys(receipts).length, 2 * ballots.length);
    expectNowhere([...secrets, ...trustee], { ...log, ...receipts, ...events, ...outputs });

    // The voters' own secrets are files of this test.
    const files = await filesBelow(place.folder, (name) => !name.endsWith('.secret'));
    assert.ok(Object.keys(files).some((name) => name.includes('election')));
    expectNowhere([...secrets, ...trustee], files);

    // What was voted: nowhere but in the questions, and on the voter's own screen before the ballot was confirmed.
    const cast = Object.fromEntries(ballots.map(({ bytes }, index) => [`ballot ${index}`, bytes]));
    expectNowhere(ANSWERS, { ...cast, ...receipts, ...events });
    for (const { out, err } of ran) {
      const people = out.startsWith('{') ? err : out;
      const lines = out.startsWith('{')
        ? out.slice(out.indexOf('\n', out.indexOf('"event":"election"')))
        : '';
      expectNowhere([...ANSWERS, '→'], { text: people.slice(people.indexOf('It is encrypted')) });
      expectNowhere([...ANSWERS, 'blank', 'choices', 'answers', '"ballot"'], {
        'JSON after the election': lines,
      });
    }
    assert.deepEqual(place.defects, []);
  });

  it('says the same of bad ballots whatever is in them, to the voter and to the organiser', async (t) => {
    const place = await PollingPlace.start(t, {
      policy: { secrecy: 'sealed' },
      secrets: false,
      questions: [{ ...QUESTION, answers: ANSWERS }],
    });
    const { state, genesis } = place.log;
    const round = state.round ?? assert.fail();
    const trustees = new SealedRounds().trustees(state);
    const [{ seed } = assert.fail()] = place.voters;
    const refusalOf = async (
      choice: number | undefined,
      spoil: (sealed: string) => string,
    ): Promise<string> => {
      const vote = [choice === undefined ? null : [choice]];
      const { sealed, randomness } = sealVote({ genesis, trustees }, round, seed, vote, platformRandom);
      const ballot = signBallot({ form: 'sealed', round: round.cid, number: 1, sealed: spoil(sealed) }, seed);
      const error: unknown = await place.station
        .cast(encodeSignedBallot(ballot))
        .catch((why: unknown) => why);
      assert.ok(error instanceof PeerRefusal);
      const said = `${error.code} ${error.message} ${JSON.stringify(place.events.at(-1))}`;
      const secrets = [...randomness.flat(), scalarOfSeed(seed)].flatMap(scalarForms);
      expectNowhere([...secrets, ...formsOf(seed), ...ANSWERS], { 'the refusal': said });
      return said;
    };
    const own = scalarOfSeed(seed);
    const spoils: readonly ((sealed: string) => string)[] = [
      (sealed) => `${sealed} `,
      (sealed) => sealed.replace('"alpha"', '"beta"'),
      (sealed) => sealed.slice(0, -1),
      (sealed) =>
        forged(sealed, own, (json) => {
          firstProof(json).response = plusOne(firstProof(json).response);
        }),
      (sealed) => forged(sealed, own, ({ answers }) => answers.pop()),
    ];
    for (const spoil of spoils) {
      const said = new Set<string>();
      for (const choice of [0, 1, 2, undefined])
        said.add((await refusalOf(choice, spoil)).replace(/\d+/g, 'N'));
      assert.equal(said.size, 1, [...said].join('\n'));
    }
    assert.equal(place.log.turnout.ballots, 0);
  });
});
