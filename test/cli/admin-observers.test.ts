import assert from 'node:assert/strict';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { dialPeer, parseDialTarget, publicKeyOfPeer } from '#src/net/index.js';
import { readKeyFile, writeKeyFile } from '#src/store/key-files.js';
import { cleanUp } from '../support/cleanup.ts';
import { start } from '../support/processes.ts';
import { run } from '../support/run-voter.ts';
import { testSeed } from '../support/temp-election.ts';
import { AdminPlace } from './admin-support.ts';
import { type Polls, openPolls } from './open-polls.ts';

interface Status {
  readonly checks: readonly { readonly round: number; readonly found: number; readonly missing: number }[];
  readonly alarms: readonly string[];
  readonly running: {
    readonly invite: string;
    readonly observers: readonly { readonly address: string; readonly size: number }[];
  } | null;
}

async function statusOf(place: AdminPlace): Promise<Status> {
  const { lines } = await place.json('status');
  return lines.find(({ event }) => event === 'status') as unknown as Status;
}

const receiptOf = ({ place }: Polls, voter: number) => place.path(`v${voter}.tlog-proof`);

async function vote(polls: Polls, voter: number, ...more: readonly string[]): Promise<void> {
  const key = polls.place.path(`v${voter}.key`);
  const seed = testSeed(voter);
  await writeKeyFile(key, { role: 'voter', seed, publicKey: publicKeyOf(seed) });
  const flags = ['--key-file', key, '--choose', 'a', '--yes', '--receipt', receiptOf(polls, voter)];
  const { code, err } = await run(['--dial', polls.address, ...flags, ...more]);
  assert.equal(code, 0, err);
}

/** The observer's program, following the election of a running admin. */
function observe(t: TestContext, { place, address }: Polls) {
  const observer = start('observer', [
    ...['--data', place.path('observer'), '--listen', '/ip6/::1/tcp/0'],
    ...['--dial', address, '--json'],
  ]);
  cleanUp(t, () => observer.kill('SIGKILL').then(() => undefined));
  return observer;
}

describe('an organiser', () => {
  it('sees how many voters’ programs found their ballot, whatever is restarted, and so does whoever reads the result', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t, '--open'));
    const { place } = polls;
    await vote(polls, 0);
    const verified = await run(['verify', '--receipt', receiptOf(polls, 0), '--dial', polls.address]);
    assert.equal(verified.code, 0, verified.err);
    assert.deepEqual((await statusOf(place)).checks, [{ round: 1, found: 1, missing: 0 }]);
    assert.match(
      (await place.admin('status')).out,
      /Checks +Voters' programs looked for their ballot: 1 found it, 0 did not/,
    );
    polls.io.interrupt();
    assert.equal((await polls.ended).code, 0);
    assert.deepEqual((await statusOf(place)).checks, [{ round: 1, found: 1, missing: 0 }]);

    const again = await openPolls(t, place);
    await run(['verify', '--receipt', receiptOf(polls, 0), '--dial', again.address]);
    const { out } = await place.admin('close');
    assert.match(out, /Voters' programs looked for their ballot: 2 found it, 0 did not\./);
    const result = JSON.parse(await place.read('election/results/round-1.json')) as { checks: unknown };
    assert.deepEqual(result.checks, { found: 2, missing: 0 });
    assert.match(await place.read('election/results/round-1.csv'), /^checks,,found,2,\r$/m);
    assert.match(await place.read('election/results/round-1.md'), /2 found it, 0 did not, as far as/);
  });

  it('sees its observers, whom the invite names, and with whom voters compare', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t, '--open'));
    const observer = observe(t, polls);
    await polls.io.waitFor('An observer is following');
    const { running } = await statusOf(polls.place);
    const [known] = running?.observers ?? [];
    assert.ok(known && known.size > 0);
    assert.deepEqual(parseDialTarget(running?.invite ?? '').observers, [known.address]);
    assert.match(
      (await polls.place.admin('status')).out,
      /Observers +\/ip6\/::1\/\S+: cosigned \d+ entries, /,
    );
    await polls.io.waitFor('The invite names observers now');

    await vote(polls, 0, '--require-observers', '1');
    polls.io.interrupt();
    await polls.ended;
    const read = ['--dial', running?.invite ?? '', '--receipt', receiptOf(polls, 0), '--wait', '0', '--json'];
    const ran = await run(['verify', ...read, '--require-observers', '1']);
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.events['verified']?.['servedBy'], 'observer');
    await observer.kill('SIGINT');
  });

  it('is told loudly that somebody has more of the log than there is, until the file is moved away', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t, '--open'));
    const { place } = polls;
    const client = await dialPeer(parseDialTarget(polls.address));
    cleanUp(t, () => client.close());
    const { electionId, uuid } = await electionIn(polls);
    const { seed } = await readKeyFile(join(place.keys, `admin-${uuid}.key`), 'admin');
    const authority = publicKeyOfPeer(parseDialTarget(polls.address).peerId ?? '');
    const head = { origin: origin(electionId), size: 1000, root: new Uint8Array(32) };
    const checkpoint = signCheckpoint(head, seed, authority);
    await client.exchange({ checkpoint, observer: null, evidence: [] });
    await polls.io.waitFor('What shows it: ');
    const { alarms } = await statusOf(place);
    const [file] = alarms;
    assert.equal(alarms.length, 1);
    assert.equal(await readFile(join(place.data, file ?? ''), 'utf8'), checkpoint);
    assert.match((await place.admin('status')).out, /ALARM\nTHIS ELECTION'S KEY SIGNED FOR SOMETHING/);
    await rm(join(place.data, file ?? ''));
    assert.deepEqual((await statusOf(place)).alarms, []);
  });
});

async function electionIn({ place }: Polls): Promise<{ electionId: string; uuid: string }> {
  const { lines } = await place.json('status');
  const { status } = lines[0] as { status: { electionId: string } };
  const [key] = await readdir(place.keys);
  return { electionId: status.electionId, uuid: /^admin-(.*)\.key$/.exec(key ?? '')?.[1] ?? '' };
}
