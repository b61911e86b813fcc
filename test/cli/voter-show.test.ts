import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printable } from '#src/cli/printable.js';
import { receiptName } from '#src/cli/receipt-file.js';
import { longestWaitMs, retriesWithin } from '#src/cli/voter/waiting.js';
import { type SoundTrustees, readTrustees, trusteeNames } from '#src/belenios/v1/sealed-round.js';
import { decryptersOf } from '#src/cli/voter/rules-text.js';
import { choiceText, howMany } from '#src/cli/vote-text.js';
import { type Anchor, ballotText, electionText } from '#src/cli/voter/show.js';
import { cidOf } from '#src/crypto/cid.js';
import type { GenesisEntry, Policy, Question, RoundEntry } from '#src/election/entries.js';
import { registrarFingerprint } from '#src/election/registration.js';
import type { KnownElection } from '#src/services/voter-session.js';
import { textsOf } from '../belenios/fixtures.ts';
import { valueOf } from '../support/results.ts';
import { singleTrustees } from '../support/sealed-election.ts';
import { QUESTION } from '../support/temp-election.ts';
import { testKey } from '../support/test-keys.ts';

const NOW = Date.UTC(2026, 4, 2, 12);
const TWO: readonly Question[] = [
  { ...QUESTION, question: 'Chair?', answers: ['Ana', 'Ben'] },
  { ...QUESTION, question: 'Board?', answers: ['Cho', 'Dee', 'Eve'], min: 0, max: 2, blank: false },
];

function known(change: Partial<KnownElection> = {}): KnownElection {
  const genesis: GenesisEntry = {
    v: 1,
    seq: 0,
    prev: null,
    time: NOW,
    kind: 'genesis',
    uuid: '01234567-89ab-4cde-8f01-23456789abcd',
    title: 'Club',
    description: 'Yearly',
    authority: new Uint8Array(32),
    policy: { secrecy: 'open', revote: 'last', names: 'public' },
    kdf: { name: 'argon2id', ops: 2, mem: 19 << 20 },
  };
  const entry: RoundEntry = {
    v: 1,
    seq: 2,
    prev: null,
    time: NOW,
    kind: 'round',
    round: 1,
    title: 'First round',
    questions: TWO,
    closes: NOW + 3_600_000,
  };
  return {
    electionId: 'bafyexample',
    fingerprint: 'AAAA-BBBB-CCCC-DDDD-EEEE',
    genesis,
    genesisBytes: new Uint8Array(),
    servedBy: 'authority',
    round: { entry, cid: cidOf(new Uint8Array()) },
    trustees: null,
    checkpoint: { origin: 'psephos/bafyexample', size: 3, root: new Uint8Array(32), text: '' },
    open: true,
    draft: null,
    turnout: { voters: 40, voted: 13, ballots: 15 },
    ...change,
  };
}

describe('what a voter is shown', () => {
  it('has the election, its status, turnout, questions, and how it was verified', () => {
    const text = electionText(known(), 'address', NOW);
    for (const part of [
      /^Club\nYearly\n/,
      /Election +bafyexample/,
      /Fingerprint +AAAA-BBBB-CCCC-DDDD-EEEE/,
      /verified: the peer holds the key that the address names/,
      /Round +1: First round/,
      /open, closes .*2026.*, in 1 h/,
      /13 of 40 voted \(32 %\)/,
      /under your username/,
      /last ballot counts/,
      /1\. Chair\? \(choose 1, or blank\)\n {4}1 {2}Ana\n {4}2 {2}Ben/,
      /2\. Board\? \(choose up to 2\)/,
    ]) {
      assert.match(text, part);
    }
  });

  it('has the registrar, where there is one', () => {
    const { publicKey } = testKey(41);
    const { genesis } = known();
    const registrar = { key: publicKey, signature: new Uint8Array(64) };
    const text = electionText(known({ genesis: { ...genesis, registrar } }), 'address', NOW);
    assert.ok(text.includes(`  Registrar    ${registrarFingerprint(publicKey)}\n`), text);
    assert.doesNotMatch(electionText(known(), 'address', NOW), /Registrar/);
  });

  it('says of sealed votes what the log shows, and who can decrypt', async () => {
    const [texts] = await textsOf('h-threshold/tallied.bel', 'Setup');
    const group = valueOf(readTrustees(texts?.[1] ?? ''));
    const two = valueOf(readTrustees(singleTrustees(2).text));
    const { genesis } = known();
    const sealed = (change: Partial<Policy>, trustees: SoundTrustees | null = two) =>
      electionText(
        known({
          genesis: { ...genesis, policy: { ...genesis.policy, secrecy: 'sealed', ...change } },
          trustees,
        }),
        'address',
        NOW,
      );
    const text = sealed({});
    assert.match(text, /Your vote +is secret: it is encrypted on this machine/);
    assert.match(text, /The log +shows that and when you voted, under your username, and never what/);
    assert.match(text, /Voting again +you may vote again; your last ballot counts/);
    assert.match(text, /Trustees +trustee 1 and trustee 2, who can decrypt only together: the sum, or/);
    assert.doesNotMatch(text, /public/);
    assert.match(sealed({ names: 'pseudonym', revote: 'never' }), /under a pseudonym[^]*can vote once/);
    const names = trusteeNames(group).map((name, index) => name ?? `trustee ${index + 1}`);
    assert.ok(
      sealed({}, group).includes(`any 2 of ${names[0]}, ${names[1]} and ${names[2]}, who can decrypt only`),
    );
    assert.match(sealed({}, null), /Trustees +not set yet/);
    assert.deepEqual(decryptersOf(group), [{ needed: 2, of: names }]);
    const mixed = { ...group, trustees: [...two.trustees, ...group.trustees] };
    assert.deepEqual(
      decryptersOf(mixed).map(({ needed, of }) => [needed, of.length]),
      [
        [1, 1],
        [1, 1],
        [2, 3],
      ],
    );
  });

  it('says plainly when nothing was verified', () => {
    const texts = (['address', 'election', 'fingerprint', 'none'] as const satisfies readonly Anchor[]).map(
      (anchor) => electionText(known(), anchor, NOW),
    );
    assert.equal(new Set(texts).size, 4);
    assert.match(texts[3] as string, /NOT VERIFIED/);
    assert.ok(texts.slice(0, 3).every((text) => !text.includes('NOT')));
  });

  it('tells a round that is closed, planned, or opens by hand', () => {
    const draft = { title: 'x', questions: [QUESTION], opens: NOW + 60_000, closes: null };
    assert.match(electionText(known({ open: false }), 'address', NOW), /Status +closed/);
    assert.match(
      electionText(known({ open: false, draft }), 'address', NOW),
      /closed[^]*Next round +it opens .*in 1 min/,
    );
    const planned = electionText(known({ open: false, round: null, draft }), 'address', NOW);
    assert.match(planned, /not open yet; it opens .*in 1 min[^]*free to change[^]*Which one\?/);
    const byHand = electionText(
      known({ open: false, round: null, draft: { ...draft, opens: null } }),
      'address',
      NOW,
    );
    assert.match(byHand, /not open yet; it opens when the organiser opens it/);
    assert.match(electionText(known({ open: false, round: null }), 'address', NOW), /not open yet$/m);
  });

  it('names what is about to be cast, and that it replaces an earlier ballot', () => {
    const first = ballotText(TWO, [[1], [0, 2]], 1);
    assert.match(first, /Chair\?\n {4}→ Ben\n.*Board\?\n {4}→ Cho; Eve/);
    assert.doesNotMatch(first, /replaces/);
    assert.match(
      ballotText(TWO, [null, []], 2),
      /number 2 in this round; it replaces your earlier one[^]*→ blank[^]*→ none/,
    );
    assert.equal(choiceText([0, 2], TWO[1] as Question), 'Cho; Eve');
    assert.deepEqual(
      [howMany(QUESTION), howMany({ ...QUESTION, min: 2, answers: ['a', 'b', 'c'], max: 3, blank: false })],
      ['choose 1, or blank', 'choose 2 to 3'],
    );
  });

  it('never lets text from elsewhere steer the terminal', () => {
    assert.equal(printable('a\u001b[2Jb\u202ec\nd\u0007'), 'a\ufffd[2Jb\ufffdc\ufffdd\ufffd');
    const evil = { ...QUESTION, question: 'Q\u001b[8m', answers: ['x\u001b]0;t\u0007', 'y'] };
    const draft = { title: 'x', questions: [evil], opens: null, closes: null };
    assert.ok(!electionText(known({ open: false, round: null, draft }), 'none', NOW).includes('\u001b'));
    assert.ok(!ballotText([evil], [[0]], 1).includes('\u001b'));
  });

  it('names a receipt after its tracker in characters that every disk takes', () => {
    assert.equal(receiptName('ab+/cdEFghij'), 'psephos-ab-_cdEF.tlog-proof');
  });

  it('spreads its tries over about the time it was given', () => {
    assert.deepEqual([0, 1, 15, 16, 120].map(retriesWithin), [0, 3, 6, 7, 20]);
    assert.equal(retriesWithin(86_400), 2_886);
    assert.deepEqual(
      [0, 60, 320, 600, 1_200, 86_400].map(longestWaitMs),
      [8_000, 8_000, 8_000, 15_000, 30_000, 30_000],
    );
  });
});
