import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { parseDialTarget, peerIdOf } from '#src/net/index.js';
import { writeKeyFile } from '#src/store/key-files.js';
import { cleanUp } from '../support/cleanup.ts';
import { type OrganisedElection, organise, startAdmin } from '../support/organised-election.ts';
import { type Finished, type Running, jsonLines, run, start } from '../support/processes.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';

const HERE = ['--listen', '/ip6/::1/tcp/0'];

interface StartedRelay {
  readonly relay: Running;
  readonly address: string;
}

/** Starts the relay's program and waits until it listens. */
async function startRelay(t: TestContext, folder: string, ...args: readonly string[]): Promise<StartedRelay> {
  const listen = args.includes('--listen') ? [] : HERE;
  const relay = start('relay', ['--data', join(folder, 'relay'), ...listen, '--json', ...args]);
  cleanUp(t, () => relay.kill('SIGKILL'));
  const [line] = await relay.waitFor(/\{"event":"running".*\n/);
  const [address] = (JSON.parse(line) as { addresses: string[] }).addresses;
  return { relay, address: address ?? '' };
}

/** Starts `admin` behind a relay; resolves to its address through that, once it holds a reservation. */
async function adminBehind(
  t: TestContext,
  election: OrganisedElection,
  relay: string,
): Promise<{ readonly admin: Running; readonly through: string }> {
  const { admin, address } = await startAdmin(election, { args: ['--relay', relay, '--no-qr'] });
  cleanUp(t, () => admin.kill('SIGKILL'));
  await admin.waitFor(/Others can also get here through the relay/);
  const peer = address.slice(address.lastIndexOf('/p2p/'));
  return { admin, through: `${relay}/p2p-circuit${peer}` };
}

async function vote(folder: string, dial: string, voter: number): Promise<Finished> {
  const seed = testSeed(voter);
  const key = join(folder, `v${voter}.key`);
  await writeKeyFile(key, { role: 'voter', seed, publicKey: publicKeyOf(seed) });
  const args = ['--dial', dial, '--key-file', key, '--choose', 'b', '--yes', '--json'];
  return run('voter', [...args, '--receipt', join(folder, `v${voter}.tlog-proof`)], { cwd: folder });
}

describe('the relay’s program', () => {
  it('lets voters of a sealed election reach an organiser whose own address nobody knows', async (t) => {
    const folder = await tempFolder(t);
    const election = await organise(folder, 2, ['--secrecy', 'sealed', '--open']);
    const { relay, address } = await startRelay(t, folder, '--open');
    const { admin, through } = await adminBehind(t, election, address);
    const [line] = await admin.waitFor(/psephos:\S+/);
    const invite = parseDialTarget(line);
    assert.ok(invite.addresses.includes(`${address}/p2p-circuit`), 'the relay is in the invite');

    const voted = await vote(folder, through, 0);
    assert.equal(voted.code, 0, voted.stderr);
    const events = jsonLines(voted.stdout);
    assert.deepEqual(
      events.find(({ event }) => event === 'connected'),
      { event: 'connected', path: 'relayed', address: `${address}/p2p-circuit` },
    );
    assert.match(voted.stderr, /Connected through a relay, which can read nothing of it: \/ip6/);
    const receipt = join(folder, 'v0.tlog-proof');
    const verified = await run('voter', ['verify', '--receipt', receipt, '--dial', through], { cwd: folder });
    assert.equal(verified.code, 0, verified.stderr);

    const direct = await vote(folder, line, 1);
    assert.match(direct.stderr, /Connected directly, by IPv6/);
    assert.equal(direct.code, 0);

    const status = await run('relay', ['status', '--data', join(folder, 'relay'), '--json']);
    const [report] = jsonLines(status.stdout);
    assert.equal(report?.['reservations'], 1);
    const relayed = Number(report['relayedEver']);
    assert.ok(relayed >= 2, 'the vote and the verification');
    assert.deepEqual(report['addresses'], [address]);
    const shown = await run('relay', ['status', '--data', join(folder, 'relay')]);
    assert.match(
      shown.stdout,
      /Serves +whoever asks\n.*1 can be reached through here; 0 connections now, \d since the start/,
    );

    assert.equal((await admin.kill('SIGINT')).code, 0);
    const ended = await relay.kill('SIGINT');
    assert.equal(ended.code, 0, ended.stderr);
    const figures = jsonLines(ended.stdout).find(({ event }) => event === 'figures');
    assert.equal(figures?.['relayedEver'], relayed);
  });

  it('is killed, and started again: the organiser is told of both, and voters get through again', async (t) => {
    const folder = await tempFolder(t);
    const election = await organise(folder, 2);
    const first = await startRelay(t, folder, '--open');
    const { admin, through } = await adminBehind(t, election, first.address);
    assert.equal((await vote(folder, through, 0)).code, 0);
    await first.relay.kill('SIGKILL');
    await admin.waitFor(/WARNING: THE RELAY IS LOST/);
    const listen = first.address.replace(/\/p2p\/.*/, '');
    const again = await startRelay(t, folder, '--open', '--listen', listen);
    assert.equal(again.address, first.address, 'its key is in its folder');
    await admin.waitFor(/The relay \S+ is back/);
    const voted = await vote(folder, through, 1);
    assert.equal(voted.code, 0, voted.stderr);
    assert.doesNotMatch(admin.stdout, /addresses where this election can be reached have changed/);
  });

  it('serves the authority of an election by its id, and nobody else who shows the same', async (t) => {
    const folder = await tempFolder(t);
    const election = await organise(folder, 1);
    const probe = await startAdmin(election, { args: ['--no-qr'] });
    cleanUp(t, () => probe.admin.kill('SIGKILL'));
    const [line] = await probe.admin.waitFor(/psephos:\S+/);
    const { electionId = '' } = parseDialTarget(line);
    const { relay, address } = await startRelay(t, folder, '--serve', electionId);
    // An observer serves the same genesis, with another key.
    const observer = start('observer', [
      ...['--data', join(folder, 'observer'), ...HERE, '--dial', line, '--relay', address, '--json'],
    ]);
    cleanUp(t, () => observer.kill('SIGKILL'));
    await observer.waitFor(/"event":"relay-lost".*the relay does not serve this peer/);
    await probe.admin.kill('SIGINT');
    const { through } = await adminBehind(t, election, address);
    assert.equal((await vote(folder, through, 0)).code, 0);
    await relay.waitFor(/"event":"reserved"/);
    assert.equal(jsonLines(relay.stdout).filter(({ event }) => event === 'reserved').length, 1);
  });

  it('serves observers by their peer id, from whom others read and verify through it', async (t) => {
    const folder = await tempFolder(t);
    const election = await organise(folder, 1);
    const { admin, address: authority } = await startAdmin(election, { args: ['--no-qr'] });
    cleanUp(t, () => admin.kill('SIGKILL'));
    const seed = testSeed(70);
    const key = { seed, publicKey: publicKeyOf(seed) };
    const data = join(folder, 'observer');
    const { address } = await startRelay(t, folder, '--serve', peerIdOf(key.publicKey));
    const first = await run('observer', ['--data', data, '--dial', '/ip6/::1/tcp/1', '--json']);
    assert.equal(first.code, 3, 'its folder is made');
    await writeKeyFile(join(data, 'observer.key'), { role: 'observer', ...key }, { replace: true });
    const observer = start('observer', [
      '--data',
      data,
      ...HERE,
      '--dial',
      authority,
      '--relay',
      address,
      '--json',
    ]);
    cleanUp(t, () => observer.kill('SIGKILL'));
    await observer.waitFor(/"event":"caught-up"/);
    const through = `${address}/p2p-circuit/p2p/${peerIdOf(key.publicKey)}`;
    const [, announced] = await admin.waitFor(/An observer is following: (\S+)/);
    assert.equal(announced, through, 'others learn from the organiser where it is');
    const audited = await run('verify-log', [through, '--json']);
    assert.equal(audited.code, 0, audited.stderr);
  });

  it('says what it can’t do, and keeps its key to itself', async (t) => {
    const folder = await tempFolder(t);
    const data = join(folder, 'relay');
    const failed = async (code: string, exit: number, ...args: readonly string[]): Promise<void> => {
      const { stdout, code: found } = await run('relay', [...args, '--data', data, '--json']);
      const [line] = jsonLines(stdout);
      assert.deepEqual([(line?.['error'] as { code: string }).code, found], [code, exit]);
    };
    await failed('nobody-served', 2, ...HERE);
    await failed('bad-peer-id', 2, ...HERE, '--serve', 'whoever');
    await failed('bad-address', 2, ...HERE, '--serve', '/ip6/::1/tcp/4000');
    await failed('bad-invite', 2, ...HERE, '--serve', 'psephos:x');
    await failed('bad-address', 2, '--open', '--listen', '/ip6/::1/udp/4002');
    await failed('not-running', 2, 'status');
    const { address } = await startRelay(t, folder, '--open');
    await failed('already-running', 1, ...HERE, '--open');
    await failed('port-in-use', 2, '--open', '--listen', address.replace(/\/p2p\/.*/, ''));
    assert.equal((await stat(join(data, 'relay.key'))).mode & 0o777, 0o600);
  });

  it('is asked for by an address that names it', async (t) => {
    const election = await organise(await tempFolder(t), 1);
    const { stdout, code } = await run('admin', [
      ...election.common,
      ...HERE,
      '--relay',
      '/ip6/::1/tcp/1',
      '--json',
    ]);
    assert.equal(code, 2);
    assert.equal((jsonLines(stdout)[0]?.['error'] as { code: string }).code, 'bad-address');
  });
});
