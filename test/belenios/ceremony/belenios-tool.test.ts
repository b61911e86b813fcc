import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { group } from '#src/crypto/group/group.js';
import { send } from '#src/belenios/v1/ceremony/channel.js';
import type { Vinput } from '#src/belenios/v1/ceremony/messages.js';
import { generateSeed } from '#src/belenios/v1/ceremony/seed.js';
import { CeremonyDesk } from '#src/belenios/v1/ceremony/desk.js';
import { type Seat, fifthStep, firstStep, openShare, thirdStep } from '#src/belenios/v1/ceremony/trustee.js';
import { auditArchive } from '#src/belenios/v1/audit/audit-archive.js';
import { cryptography } from '#src/belenios/v1/cryptography.js';
import { decryptPartially } from '#src/belenios/v1/decryption.js';
import {
  polynomialText,
  secretText,
  signedMessageText,
  vinputText,
  voutputText,
} from '#src/belenios/v1/encoding/ceremony.js';
import { dataHash, electionHash } from '#src/belenios/v1/encoding/hashes.js';
import {
  decodeEncryptedTally,
  encodeOwned,
  encodePartialDecryption,
} from '#src/belenios/v1/encoding/tally.js';
import { decodeCertificateKeys, encodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import { readTrustees } from '#src/belenios/v1/sealed-round.js';
import { BeleniosTool } from '../../support/belenios-tool.js';
import { valueOf } from '../../support/results.js';
import { entriesOf } from '../fixtures.js';
import { nth, polynomialWith, random, replaced, seatOf, shapeOf, vinputWith } from './ceremony.js';

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');

/** A ceremony whose steps are done by Belenios' program for the trustees in `theirs`, and by us for the others; all of them checked by both. */
class MixedCeremony {
  readonly #tool: BeleniosTool;
  readonly #context: (index: number) => string;
  readonly seats: readonly Seat[];
  readonly desk: CeremonyDesk;
  readonly #theirs: Set<number>;
  readonly #seeds: readonly string[];
  /** By trustee: what the program calls its files after. */
  readonly #names = new Map<number, string>();

  constructor(tool: BeleniosTool, threshold: number, size: number, theirs: readonly number[]) {
    const shape = shapeOf(threshold, size);
    this.#tool = tool;
    this.#context = (index) => `${index}/${threshold}/${size}`;
    this.desk = new CeremonyDesk(shape);
    this.#theirs = new Set(theirs);
    // The program makes its own seeds: these places get theirs in the first step.
    this.#seeds = Array.from({ length: size }, () => generateSeed(random));
    this.seats = this.#seeds.map((seed, at) => seatOf(shape, at + 1, seed));
  }

  isTheirs(index: number): boolean {
    return this.#theirs.has(index);
  }

  /** From here on the program does what one of our trustees has to do. */
  async handOver(index: number): Promise<void> {
    this.#theirs.add(index);
    this.#names.set(index, 'ours');
    await this.#tool.write('ours.key', `${nth(this.#seeds, index)}\n`);
  }

  step(number: number, args: readonly string[] = [], input = ''): string {
    const common = ['setup', 'generate-trustee-key-threshold', '--group', 'Ed25519', '--step', `${number}`];
    return this.#tool.run([...common, ...args], input).trimEnd();
  }

  tryStep(number: number, args: readonly string[], input = '') {
    const common = ['setup', 'generate-trustee-key-threshold', '--group', 'Ed25519', '--step', `${number}`];
    return this.#tool.try([...common, ...args], input);
  }

  nameOf(index: number): string {
    const name = this.#names.get(index);
    assert.ok(name !== undefined);
    return name;
  }

  async certify(): Promise<void> {
    const certificates: string[] = [];
    for (const seat of this.seats) {
      if (this.isTheirs(seat.index)) {
        const name = this.step(1, ['--threshold-context', this.#context(seat.index)]);
        this.#names.set(seat.index, name);
        certificates.push(await this.#tool.read(`${name}.cert`));
      } else certificates.push(firstStep(seat, random));
    }
    await this.#tool.write('certs.jsons', lines(certificates));
    this.step(2, ['--certs', 'certs.jsons']);
    for (const [at, text] of certificates.entries()) valueOf(this.desk.takeCertificate(at + 1, text));
  }

  polynomials(): string[] {
    return this.seats.map((seat) =>
      this.isTheirs(seat.index)
        ? this.step(3, [
            ...['--certs', 'certs.jsons', '--threshold-context', this.#context(seat.index)],
            ...['--key', `${this.nameOf(seat.index)}.key`],
          ])
        : valueOf(thirdStep(seat, this.desk.certificates ?? [], random)),
    );
  }

  /** The program writes a vinput for each trustee; ours have to be the same. */
  async deal(): Promise<void> {
    const polynomials = this.polynomials();
    await this.#tool.write('polynomials.jsons', lines(polynomials));
    this.step(4, ['--certs', 'certs.jsons', '--polynomials', 'polynomials.jsons']);
    for (const [at, text] of polynomials.entries()) valueOf(this.desk.takePolynomial(at + 1, text));
    const written = await this.#tool.files('.vinput');
    const texts = await Promise.all(written.map((name) => this.#tool.read(name)));
    assert.deepEqual(texts.sort(), this.seats.map(({ index }) => this.vinput(index)).sort());
  }

  vinput(index: number): string {
    const vinput = this.desk.vinput(index);
    assert.ok(vinput !== undefined);
    return vinput;
  }

  voutput(seat: Seat, vinput = this.vinput(seat.index)): string {
    return this.isTheirs(seat.index)
      ? this.step(5, ['--certs', 'certs.jsons', '--key', `${this.nameOf(seat.index)}.key`], vinput)
      : valueOf(fifthStep(seat, this.desk.certificates ?? [], vinput, random, `Trustee ${seat.index}`));
  }

  /** The program's threshold parameters and encrypted shares have to be ours. */
  async finish(): Promise<void> {
    const voutputs = this.seats.map((seat) => this.voutput(seat));
    const args = ['--certs', 'certs.jsons', '--polynomials', 'polynomials.jsons'];
    const theirs = this.step(6, args, lines(voutputs));
    for (const [at, text] of voutputs.entries()) valueOf(this.desk.takeVoutput(at + 1, text));
    const { trustee, encryptedShares } = this.desk;
    assert.ok(trustee !== undefined && encryptedShares !== undefined);
    assert.equal(encodeTrustees([trustee]), `[["Pedersen",${theirs}]]`);
    const keys = await Promise.all((await this.#tool.files('.dkey')).map((name) => this.#tool.read(name)));
    assert.deepEqual(keys.sort(), [...encryptedShares].sort());
    await this.#tool.write('threshold.json', theirs);
  }
}

const UUID = 'CeremonyCeremony';
const VOTES = [
  [1, 0],
  [0, 1],
  [1, 0],
] as const;

/** An election with these trustees beside one of the server's, up to the encrypted tally. Gives the trustees' text. */
async function vote(tool: BeleniosTool): Promise<string> {
  const where = ['--uuid', UUID, '--group', 'Ed25519'];
  tool.run(['setup', 'generate-credentials', ...where, '--count', `${VOTES.length}`]);
  const [publicKeys = ''] = await tool.files('.pubcreds');
  const [privateKeys = ''] = await tool.files('.privcreds');
  await tool.write('public_creds.json', await tool.read(publicKeys));
  const credentials = Object.values(JSON.parse(await tool.read(privateKeys)) as Record<string, string>);
  tool.run(['setup', 'generate-trustee-key', '--group', 'Ed25519']);
  const [single = ''] = await tool.files('.pubkey');
  await tool.write('public_keys.jsons', `${await tool.read(single)}\n`);
  tool.run(['setup', 'make-trustees']);
  const trustees = await tool.read('trustees.json');
  const question = { answers: ['yes', 'no'], min: 1, max: 1, question: 'Well?' };
  const template = { description: 'A mixed ceremony.', name: 'Ceremony', questions: [question] };
  await tool.write('template.json', JSON.stringify(template));
  tool.run(['setup', 'make-election', ...where, '--template', 'template.json']);
  tool.run(['archive', 'init']);
  for (const [at, choice] of VOTES.entries()) {
    await tool.write('credential', nth(credentials, at + 1));
    await tool.write('choice', JSON.stringify([choice]));
    add(
      tool,
      'Ballot',
      tool.run(['election', 'generate-ballot', '--privcred', 'credential', '--choice', 'choice']),
    );
  }
  add(tool, 'EndBallots', '');
  add(tool, 'EncryptedTally', tool.run(['election', 'compute-encrypted-tally']));
  return trustees;
}

function add(tool: BeleniosTool, type: string, text: string): void {
  tool.run(['archive', 'add-event', `--type=${type}`], text);
}

async function textOf(tool: BeleniosTool, type: string): Promise<string> {
  const found = (await entriesOf(await tool.bytes(`${UUID}.bel`))).find(({ event }) => event.type === type);
  return found?.data[0]?.text ?? '';
}

/** Lets the server and these members decrypt, each with its own program, and both audit the outcome. */
async function tally(tool: BeleniosTool, ceremony: MixedCeremony, present: readonly number[]): Promise<void> {
  const { keys } = valueOf(readTrustees(await vote(tool)));
  const [single = ''] = await tool.files('.privkey');
  const server = ['election', 'decrypt', '--privkey', single, '--trustee-id', '1'];
  add(tool, 'PartialDecryption', tool.run(server));
  const hash = electionHash(await textOf(tool, 'Setup'));
  const encrypted = valueOf(decodeEncryptedTally(await textOf(tool, 'EncryptedTally')));
  for (const index of present) {
    const share = nth(ceremony.desk.encryptedShares ?? [], index);
    if (ceremony.isTheirs(index)) {
      await tool.write('share', share);
      const keyFiles = ['--key', `${ceremony.nameOf(index)}.key`, '--decryption-key', 'share'];
      const args = ['election', 'decrypt-threshold', ...keyFiles, '--trustee-id', `${index + 1}`];
      add(tool, 'PartialDecryption', tool.run(args));
      continue;
    }
    const { secrets } = nth(ceremony.seats, index);
    const secret = valueOf(openShare(secrets, share, nth(keys, index + 1)));
    const decryption = encodePartialDecryption(decryptPartially(hash, secret, encrypted, random));
    const owned = encodeOwned({ owner: index + 1, payload: dataHash(decryption) });
    add(tool, 'PartialDecryption', lines([decryption, owned]));
  }
  add(tool, 'Result', tool.run(['election', 'compute-result']));
  tool.run(['election', 'verify']);
  const audit = await auditArchive([await tool.bytes(`${UUID}.bel`)], { cryptography });
  assert.deepEqual([audit.verdict, audit.result], ['valid', [[2n, 1n]]], JSON.stringify(audit.checks));
}

describe("a ceremony with Belenios' own program", () => {
  const whole = async (
    t: TestContext,
    [k, n]: readonly [number, number],
    theirs: number[],
    present: number[],
  ) => {
    const tool = await BeleniosTool.forTest(t);
    if (tool === undefined) return;
    const ceremony = new MixedCeremony(tool, k, n, theirs);
    await ceremony.certify();
    await ceremony.deal();
    await ceremony.finish();
    await tally(tool, ceremony, present);
  };

  it('makes 2 of 3 of which one runs it, and one of each kind decrypts', (t) =>
    whole(t, [2, 3], [1], [1, 3]));
  it('makes 3 of 4 of which two run it, and both with one of ours decrypt', (t) =>
    whole(t, [3, 4], [2, 4], [2, 3, 4]));
  it('makes 2 of 3 of which all run it', (t) => whole(t, [2, 3], [1, 2, 3], [2, 3]));
  it('makes 3 of 3 of which none runs it, though it checks every step', (t) =>
    whole(t, [3, 3], [], [1, 2, 3]));
  it('makes 1 of 2, where each of the two is enough', (t) => whole(t, [1, 2], [2], [1]));
  it('makes 1 of 1', (t) => whole(t, [1, 1], [], [1]));

  it('decrypts with a seed and a share of ours', async (t) => {
    const tool = await BeleniosTool.forTest(t);
    if (tool === undefined) return;
    const ceremony = new MixedCeremony(tool, 2, 3, [3]);
    await ceremony.certify();
    await ceremony.deal();
    await ceremony.finish();
    await ceremony.handOver(1);
    await tally(tool, ceremony, [1, 2]);
  });

  it('refuses much of what we refuse, and takes some', async (t) => {
    const tool = await BeleniosTool.forTest(t);
    if (tool === undefined) return;
    const ceremony = new MixedCeremony(tool, 2, 3, [1]);
    await ceremony.certify();
    await ceremony.deal();
    const certificates = ceremony.desk.certificates ?? [];
    const polynomials = (await tool.read('polynomials.jsons')).split('\n');
    const second = nth(ceremony.seats, 2);
    const takes = async (
      step: number,
      args: readonly string[],
      files: Readonly<Record<string, readonly string[]>>,
      input = '',
    ) => {
      for (const [name, texts] of Object.entries(files)) await tool.write(name, lines(texts));
      return ceremony.tryStep(step, args, input).status === 0;
    };

    const listed = (texts: readonly string[]) => takes(2, ['--certs', 'bad'], { bad: texts });
    assert.equal(await listed(certificates), true);
    assert.equal(await listed(certificates.toReversed()), false, 'certificates in other places');
    assert.equal(await listed(certificates.slice(1)), false, 'a certificate missing');
    const sameSeed = firstStep({ ...second, index: 3 }, random);
    assert.equal(await listed(replaced(certificates, 3, sameSeed)), true, 'one key in two places');

    const dealt = (texts: readonly string[]) =>
      takes(4, ['--certs', 'certs.jsons', '--polynomials', 'bad'], { bad: texts });
    assert.equal(await dealt(polynomials), true);
    assert.equal(await dealt(polynomials.toReversed()), false, 'polynomials in other places');
    const { signature } = valueOf(polynomialText.decode(nth(polynomials, 3)));
    const unsigned = replaced(polynomials, 2, polynomialWith(nth(polynomials, 2), { signature }));
    assert.equal(await dealt(unsigned), true, 'certificates not signed');

    const own = ['--certs', 'certs.jsons', '--key', `${ceremony.nameOf(1)}.key`];
    const input = (changes: Partial<Vinput>) => takes(5, own, {}, vinputWith(ceremony.vinput(1), changes));
    const { secrets, signatures } = valueOf(vinputText.decode(ceremony.vinput(1)));
    assert.equal(await input({}), true);
    const { encryption } = valueOf(
      decodeCertificateKeys(valueOf(signedMessageText.decode(nth(certificates, 1))).message),
    );
    const wrong = send(second.secrets.signing, encryption, secretText.encode(group.one), random);
    assert.equal(await input({ secrets: replaced(secrets, 2, wrong) }), false, 'a wrong secret');
    assert.equal(await input({ signatures: signatures.toReversed() }), true, 'certificates not signed');

    const voutputs = ceremony.seats.map((seat) => ceremony.voutput(seat));
    const ended = (texts: readonly string[]) =>
      takes(6, ['--certs', 'certs.jsons', '--polynomials', 'polynomials.jsons'], {}, lines(texts));
    assert.equal(await ended(voutputs), true);
    assert.equal(await ended(voutputs.toReversed()), false, 'verification keys in other places');
    const { privateKey, publicKey } = valueOf(voutputText.decode(nth(voutputs, 2)));
    const bare = { pok: publicKey.pok, publicKey: publicKey.publicKey };
    const bareText = voutputText.encode({ privateKey, publicKey: bare });
    assert.equal(await ended(replaced(voutputs, 2, bareText)), true, 'a verification key not signed');
  });
});
