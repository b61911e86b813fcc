import assert from 'node:assert/strict';
import { access, readFile, readdir } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { castBallot, findVoter, meetElection, prepareBallot, seedOf } from '#src/services/voter-session.js';
import type { Choice } from '#src/election/choices.js';
import { capturedIo } from '../support/captured-io.ts';
import { jsonLines, run, start } from '../support/processes.ts';
import { testSeed } from '../support/temp-election.ts';
import { AdminPlace } from './admin-support.ts';
import { LISTEN, type Polls, openPolls } from './open-polls.ts';
import { cleanUp } from '../support/cleanup.ts';

/** Votes as the voter program does; `who` is a seed's number, or a username and secret. */
async function vote(
  { address }: Polls,
  who: number | { readonly username: string; readonly secret: string },
  choice: Choice,
): Promise<string> {
  const client = await dialPeer(parseDialTarget(address));
  try {
    const election = await meetElection(client);
    const seed = typeof who === 'number' ? testSeed(who) : seedOf(election.genesis, who.username, who.secret);
    const record = await findVoter(client, election, { seed });
    return (await castBallot(client, election, prepareBallot(election, { seed, record }, [choice]))).tracker;
  } finally {
    await client.close();
  }
}

describe('a running admin', () => {
  it('makes the sample election where there is none, and says what to type', async (t) => {
    const polls = await openPolls(t, await AdminPlace.create(t));
    await polls.io.waitFor('Ctrl-C here ends the program');
    const text = polls.io.err();
    assert.match(text, /This is the SAMPLE ELECTION/);
    assert.match(text, /Best to-go restaurant/);
    assert.match(text, /node .*voter\.js --dial \/ip6\/::1\/tcp\/\d+\/p2p\/12D3KooW\w+ --username alice/);
    assert.match(text, /node .*admin\.js close --data .*election/);
    assert.match(text, /node .*verify-log\.js \/ip6\/::1\/tcp\//);
    const sample = polls.event('sample')?.['voters'] as { username: string; secret: string }[];
    const [alice] = sample;
    assert.deepEqual(
      sample.map(({ username }) => username),
      ['alice', 'bob', 'carol', 'dan', 'erin'],
    );
    assert.ok(alice !== undefined && text.includes(alice.secret));
    await vote(polls, alice, [1]);
    await polls.io.waitFor('alice voted (1 of 5 voted, 20 %)');
  });

  it('shows the secrets of the sample election again, but never those of a real one', async (t) => {
    const place = await AdminPlace.create(t);
    const first = await openPolls(t, place);
    await first.io.waitFor('Ctrl-C here');
    first.io.interrupt();
    assert.equal((await first.ended).code, 0);
    const second = await openPolls(t, place);
    await second.io.waitFor('Ctrl-C here');
    assert.deepEqual(second.event('sample')?.['voters'], first.event('sample')?.['voters']);

    const real = await AdminPlace.create(t);
    const voters = await real.file('v.txt', 'ana\nbo\n');
    await real.admin(
      'init',
      '--title',
      'T',
      '--voters',
      voters,
      '--candidates',
      await real.file('c.txt', 'a\nb'),
      '--open',
    );
    const polls = await openPolls(t, real);
    const secrets = (await real.read('election/credentials/credentials.csv')).match(
      /(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4}/g,
    );
    assert.equal(secrets?.length, 2);
    for (const secret of secrets)
      assert.ok(!polls.io.err().includes(secret) && !polls.io.out().includes(secret));
  });

  it('says what it runs, who can reach it, and the invite', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t, '--open', '--closes', '+2h'));
    const text = polls.io.err();
    assert.match(text, /Board\n {2}Election {5}bafyrei\w+\n {2}Fingerprint {2}\w{4}-/);
    assert.match(text, /Board: open, opened .*; it closes .*, in (?:2 h|1 h 59 min)/);
    assert.match(text, /On this machine only\n {2}\/ip6\/::1\//);
    assert.match(text, /WARNING: no address here is public\. Only programs on this computer can vote/);
    assert.match(text, /Invite for voters:\n\n {2}psephos:12D3KooW\w+\/bafyrei\w+\?a=\/ip6\/::1\/tcp\/\d+\n/);
    assert.match(text, /node .*voter\.js --dial 'psephos:12D3KooW/);
    assert.doesNotMatch(text, /SAMPLE|█/);
  });

  it('shows who votes and who votes again, never what, and counts refusals', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t, '--open'));
    await vote(polls, 0, [3]);
    await polls.io.waitFor('v0 voted (1 of 5 voted, 20 %)');
    await vote(polls, 0, [1]);
    await polls.io.waitFor(
      'v0 voted again: ballot 2 replaced an earlier ballot (1 of 5 voted, 20 %, with 2 ballots)',
    );
    await assert.rejects(vote(polls, 99, [1]));
    const client = await dialPeer(parseDialTarget(polls.address));
    await assert.rejects(client.cast(new Uint8Array([1, 2, 3])));
    await client.close();
    await polls.io.waitFor('Refused so far: 1 × malformed');
    const events = jsonLines(polls.io.out()).filter(
      ({ event }) => event === 'ballot-accepted' || event === 'refusals',
    );
    assert.deepEqual(events, [
      {
        event: 'ballot-accepted',
        seq: 3,
        round: 1,
        voter: 'v0',
        number: 1,
        turnout: { voters: 5, voted: 1, ballots: 1 },
      },
      {
        event: 'ballot-accepted',
        seq: 4,
        round: 1,
        voter: 'v0',
        number: 2,
        turnout: { voters: 5, voted: 1, ballots: 2 },
      },
      { event: 'refusals', refused: { malformed: 1 } },
    ]);
    const status = await polls.place.json('status', '--voters');
    assert.deepEqual((status.lines[0]?.['running'] as { refused: object }).refused, { malformed: 1 });
    assert.deepEqual(status.lines.slice(1), [{ event: 'voted', voter: 'v0' }]);
  });

  it('names voters by their pseudonyms where the policy says so', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t, '--open', '--names', 'pseudonym'));
    await vote(polls, 0, [3]);
    await polls.io.waitFor('v-');
    assert.doesNotMatch(polls.io.err(), /v0 voted/);
    assert.match(polls.io.err(), /v-[a-z2-7]{16} voted/);
  });

  it('carries out the commands of a second process', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t));
    const { place } = polls;
    const admin = (...args: string[]) => run('admin', place.arguments(args));
    const opened = await admin('open');
    assert.equal(opened.code, 0, opened.stderr);
    await polls.io.waitFor('Round 1 is open');
    await vote(polls, 0, [0]);
    await vote(polls, 1, [2]);
    const status = await admin('status', '--voters');
    assert.match(status.stdout, /Listening {4}\/ip6\/::1\/tcp\//);
    assert.match(status.stdout, /Invite {7}psephos:/);
    assert.match(status.stdout, /Turnout {6}2 of 5 voted/);
    assert.match(status.stdout, / {2}Voted {8}v0\n/);
    const closed = await admin('close', '--json');
    assert.deepEqual(
      jsonLines(closed.stdout).map(({ event }) => event),
      ['closed', 'result'],
    );
    await polls.io.waitFor('A tie between a, c');
    assert.ok((await readdir(join(place.data, 'results'))).includes('round-1.json'));
    const again = await admin('close');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^No round is open\.\n/);
    assert.equal((await admin('next-round', '--carry', '2', '--open')).code, 0);
    await vote(polls, 2, [1]);
    assert.match((await admin('close')).stdout, /Most votes: c\./);
    const exported = await admin('export', '--jsonl', place.path('log.jsonl'));
    assert.equal(exported.code, 0, exported.stderr);
    assert.equal((await admin('results')).code, 0);
  });

  it('refuses a command of another version in words', async (t) => {
    const { place } = await openPolls(t, await AdminPlace.withElection(t));
    const { askControl } = await import('#src/net/control-socket.js');
    for (const request of [
      { command: 'dissolve', args: {} },
      { command: 'close', args: { force: true } },
      { command: 'status', args: null },
      { command: 'next-round', args: { questions: [] } },
    ]) {
      await assert.rejects(
        askControl(place.data, request, () => Promise.resolve()),
        /does not understand the command/,
      );
    }
  });

  it('closes a round by its schedule, and writes and shows the result', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t, '--open', '--closes', '+3s'));
    await vote(polls, 0, [2]);
    await polls.io.waitFor('Round 1 is closed, as scheduled');
    await polls.io.waitFor('Most votes: c');
    await polls.io.waitFor('Written:');
    assert.match(await polls.place.read('election/results/round-1.json'), /"closedBy": "schedule"/);
  });

  it('opens a round by its schedule', async (t) => {
    const polls = await openPolls(t, await AdminPlace.withElection(t, '--opens', '+2s'));
    await polls.io.waitFor('Round 1 is open');
    await vote(polls, 0, [2]);
    await polls.io.waitFor('v0 voted');
  });

  it('ends at Ctrl-C with everything on disk and its socket removed, and goes on where it was', async (t) => {
    const first = await openPolls(t, await AdminPlace.withElection(t, '--open'));
    await vote(first, 0, [2]);
    first.io.interrupt();
    const { code, err, out } = await first.ended;
    assert.equal(code, 0, err);
    assert.match(err, /Stopping: no more ballots are taken.*Everything is on disk\. Goodbye\./s);
    assert.deepEqual(jsonLines(out).at(-1), { event: 'stopped' });
    await assert.rejects(access(join(first.place.data, 'control.sock')));
    await assert.rejects(vote(first, 1, [1]));
    const second = await openPolls(t, first.place);
    await vote(second, 1, [2]);
    await second.io.waitFor('v1 voted (2 of 5 voted, 40 %)');
  });

  it('is found again after it was killed, and its commands work meanwhile', async (t) => {
    const place = await AdminPlace.withElection(t, '--open');
    const killed = start('admin', place.arguments(['--no-qr', ...LISTEN]));
    const address = (await killed.waitFor(/\/ip6\/::1\/tcp\/\d+\/p2p\/\w+/))[0];
    await killed.waitFor(/A voter types/);
    await vote({ address } as Polls, 0, [1]);
    await killed.kill('SIGKILL');
    await access(join(place.data, 'control.sock'));
    const status = await place.admin('status');
    assert.match(status.out, /1 of 5 voted.*not running/s);
    const polls = await openPolls(t, place);
    await vote(polls, 1, [1]);
    assert.match((await place.admin('close')).out, /2 of 5 voters/);
  });

  it('runs once per folder: a second one is told who runs it', async (t) => {
    const { place } = await openPolls(t, await AdminPlace.withElection(t));
    const second = await place.admin(...LISTEN);
    assert.equal(second.code, 1);
    assert.match(second.err, /is in use by admin \(process \d+/);
  });

  it('says which port is in use, and leaves the election as it was', async (t) => {
    const place = await AdminPlace.withElection(t);
    const taken = createServer().listen(0, '::1');
    await once(taken, 'listening');
    cleanUp(t, () => taken.close());
    const { port } = taken.address() as { port: number };
    const { code, err } = await place.admin('--listen', `/ip6/::1/tcp/${port}`);
    assert.equal(code, 2);
    assert.match(err, new RegExp(`/ip6/::1/tcp/${port}.*in use|another program uses the port`));
    assert.equal((await place.admin('status')).code, 0);
  });

  it('refuses addresses that it can not listen on, and options that contradict each other', async (t) => {
    const place = await AdminPlace.withElection(t);
    for (const address of [
      'nonsense',
      '/ip6/::1/udp/1',
      '/dns4/example.org/tcp/1',
      '/ip4/192.0.2.77/tcp/0',
    ]) {
      const { code, err } = await place.admin('--listen', address);
      assert.equal(code, 2, err);
      assert.ok(err.includes(address), err);
    }
    assert.equal((await place.admin('--ip6-only', ...LISTEN)).code, 2);
  });

  it('needs the key, and says where it looked', async (t) => {
    const place = await AdminPlace.withElection(t);
    const { code, err } = await place.admin(...LISTEN, '--keys', place.path('elsewhere'));
    assert.equal(code, 2);
    assert.match(err, /elsewhere\/admin-[0-9a-f-]+\.key was looked for/);
  });

  it('prints for people on standard output, with a QR code only on a terminal', async (t) => {
    const place = await AdminPlace.withElection(t);
    const io = capturedIo();
    const ended = place.adminOn(io, ...LISTEN);
    while (!io.out().includes('A voter types')) await new Promise((done) => setTimeout(done, 20));
    io.interrupt();
    assert.equal((await ended).code, 0);
    assert.doesNotMatch(io.out(), /▄|\{"event"/);

    const terminal = capturedIo();
    Object.assign(terminal.stdout, { isTTY: true });
    const shown = place.adminOn(terminal, ...LISTEN);
    while (!terminal.out().includes('A voter types')) await new Promise((done) => setTimeout(done, 20));
    terminal.interrupt();
    await shown;
    assert.match(terminal.out(), /▄/);
    assert.ok((await readFile(join(place.data, 'acknowledged'), 'utf8')).length > 0);
  });
});
