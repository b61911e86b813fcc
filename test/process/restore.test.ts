import assert from 'node:assert/strict';
import { cp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { writeKeyFile } from '#src/store/key-files.js';
import { openSnapshot } from '#src/store/level-source.js';
import { cleanUp } from '../support/cleanup.ts';
import { KeptCopy } from '../support/kept-copy.ts';
import { type OrganisedElection, organise, startAdmin } from '../support/organised-election.ts';
import { type Finished, type Running, jsonLines, run, start } from '../support/processes.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';

/** An election run by real programs, with an observer. */
class Observed {
  readonly election: OrganisedElection;
  readonly voters: number;
  #admin: Running | undefined;
  #observer: Running | undefined;
  #port = 0;
  address = '';
  observerAddress = '';

  static async start(t: TestContext, voters: number): Promise<Observed> {
    const election = await organise(await tempFolder(t), voters);
    const observed = new Observed(election, voters);
    cleanUp(t, () => observed.#admin?.kill('SIGKILL'));
    cleanUp(t, () => observed.#observer?.kill('SIGKILL'));
    for (let voter = 0; voter < voters; voter++) {
      const seed = testSeed(voter);
      await writeKeyFile(observed.keyFile(voter), { role: 'voter', seed, publicKey: publicKeyOf(seed) });
    }
    await observed.startAdmin();
    await observed.startObserver();
    return observed;
  }

  private constructor(election: OrganisedElection, voters: number) {
    this.election = election;
    this.voters = voters;
  }

  get data(): string {
    return this.election.data;
  }

  get admin(): Running {
    if (this.#admin === undefined) throw new Error('admin was not started');
    return this.#admin;
  }

  get observer(): Running {
    if (this.#observer === undefined) throw new Error('the observer was not started');
    return this.#observer;
  }

  path(name: string): string {
    return join(this.election.folder, name);
  }

  keyFile(voter: number): string {
    return this.path(`v${voter}.key`);
  }

  receipt(voter: number): string {
    return this.path(`v${voter}.tlog-proof`);
  }

  /** Starts it at the port that it had before. */
  async startAdmin(): Promise<void> {
    const started = await startAdmin(this.election, { port: this.#port });
    this.#admin = started.admin;
    this.#port = started.port;
    this.address = started.address;
  }

  async startObserver(): Promise<void> {
    const listen = ['--listen', '/ip6/::1/tcp/0'];
    this.#observer = start('observer', ['--data', this.path('observer'), '--dial', this.address, ...listen]);
    const [address] = await this.#observer.waitFor(/\/ip6\/::1\/tcp\/\d+\/p2p\/\w+(?=\n\n)/);
    this.observerAddress = address;
  }

  vote(voter: number, ...options: string[]): Promise<Finished> {
    const how = ['--choose', ['a', 'b', 'c'][voter % 3] ?? 'a', '--yes', '--receipt', this.receipt(voter)];
    return run('voter', ['--dial', this.address, '--key-file', this.keyFile(voter), ...how, ...options]);
  }

  verify(voter: number, address = this.address): Promise<Finished> {
    return run('voter', ['verify', '--dial', address, '--receipt', this.receipt(voter)]);
  }

  adminCommand(...args: string[]): Promise<Finished> {
    return run('admin', [...this.election.common, ...args]);
  }

  restore(...args: string[]): Promise<Finished> {
    return this.adminCommand('restore', ...args);
  }

  /** Resolves when the observer's copy has so many entries. */
  async observerHas(entries: number): Promise<void> {
    const client = await dialPeer(parseDialTarget(this.observerAddress));
    try {
      for await (const update of client.follow(entries - 1)) if ('entries' in update) return;
    } finally {
      await client.close();
    }
  }

  /** Entries of a data folder's log. */
  async entries(folder = this.data): Promise<number> {
    const audited = await run('verify-log', ['--json', folder]);
    assert.equal(audited.code, 0, audited.stdout);
    return Number(jsonLines(audited.stdout).find((line) => 'size' in line)?.['size']);
  }
}

function succeeded(finished: Finished): Finished {
  assert.equal(finished.code, 0, `${finished.stdout}\n${finished.stderr}`);
  return finished;
}

const entryOf = async (receipt: string) =>
  Number(/^index (\d+)$/m.exec(await readFile(receipt, 'utf8'))?.[1]);

describe('an election whose data folder is lost while people vote', () => {
  it('goes on from an observer’s copy: the rest vote, and every receipt issued before still verifies', async (t) => {
    const observed = await Observed.start(t, 6);
    for (const voter of [0, 1, 2]) succeeded(await observed.vote(voter));
    await observed.observerHas((await entryOf(observed.receipt(2))) + 1);
    await observed.admin.waitFor(/An observer is following/);
    const { stdout: status } = succeeded(await observed.adminCommand('status'));
    assert.match(status, /Observers {4}\/ip6\/\S+: cosigned \d+ entries/);
    // Killed in the middle of a vote, whose program tries on until it has its receipt.
    await observed.admin.kill('SIGKILL');
    const underWay = observed.vote(3, '--wait', '120');
    await rm(observed.data, { recursive: true });

    const restored = succeeded(await observed.restore('--from', observed.observerAddress));
    assert.match(restored.stdout, /Restored in .*: all \d+ entries were checked/);
    await observed.startAdmin();
    succeeded(await underWay);
    for (const voter of [4, 5]) succeeded(await observed.vote(voter));
    for (let voter = 0; voter < 6; voter++)
      assert.match(succeeded(await observed.verify(voter)).stdout, /^VALID/);
    succeeded(await observed.adminCommand('close'));
    await observed.observerHas(await observed.entries());
    // Receipts verify from the observer alone as well.
    await observed.admin.kill('SIGINT');
    for (const folder of [observed.data, observed.path('observer')])
      assert.match(succeeded(await run('verify-log', [folder])).stdout, /Turnout: 6 of 6/);
    assert.doesNotMatch(observed.observer.stderr, /ALARM/);
  });

  it('lacks what no observer had got, which the receipt for it proves', async (t) => {
    const observed = await Observed.start(t, 3);
    succeeded(await observed.vote(0));
    await observed.observerHas((await entryOf(observed.receipt(0))) + 1);
    await observed.observer.kill('SIGINT');
    succeeded(await observed.vote(1));
    await observed.admin.kill('SIGKILL');
    await rm(observed.data, { recursive: true });
    await observed.startObserver();

    const from = ['--from', observed.observerAddress];
    const refused = await observed.restore(...from, '--receipt', observed.receipt(1));
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /v1\.tlog-proof holds a checkpoint of \d+ entries, .* only \d+ can be fetched/,
    );
    succeeded(await observed.restore(...from));
    await observed.startAdmin();
    assert.match(succeeded(await observed.verify(0)).stdout, /^VALID/);
    // Shorter than what the receipt was given for now, and another history once somebody else has voted.
    for (const more of [false, true]) {
      if (more) succeeded(await observed.vote(2));
      const verified = await observed.verify(1);
      assert.equal(verified.code, 1);
      assert.match(verified.stderr, /The log was rewritten/);
    }
  });

  it('is restored by a second run where the first one was killed', async (t) => {
    const observed = await Observed.start(t, 1);
    succeeded(await observed.vote(0));
    const size = (await entryOf(observed.receipt(0))) + 1;
    await observed.observerHas(size);
    await observed.admin.kill('SIGKILL');
    await observed.observer.kill('SIGINT');
    await rm(observed.data, { recursive: true });
    const source = await openSnapshot(observed.path('observer'));
    cleanUp(t, () => source.close());
    let reach: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const stalls = await KeptCopy.start(t, source, {
      misbehave: (service) => ({
        async *entries(from, to) {
          yield* service.entries(from, to);
          if (to === 1) return;
          reach();
          await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
        },
      }),
    });
    const killed = start('admin', [...observed.election.common, 'restore', '--from', stalls.address]);
    cleanUp(t, () => killed.kill('SIGKILL'));
    await reached;
    await killed.kill('SIGKILL');
    const around = async () =>
      (await readdir(observed.election.folder)).filter((name) => /^\.?election/.test(name));
    assert.match((await around()).join(), /^\.election\.psephos-init-\d+-[0-9a-f]+$/);
    succeeded(await observed.restore('--from', observed.path('observer')));
    assert.deepEqual(await around(), ['election']);
    assert.equal(await observed.entries(), size);
  });
});

describe('an old copy of a data folder', () => {
  it('is signed no further once an observer has spoken, whenever it is started', async (t) => {
    const observed = await Observed.start(t, 4);
    succeeded(await observed.vote(0));
    await observed.admin.kill('SIGINT');
    await cp(observed.data, observed.path('backup'), { recursive: true });
    await observed.startAdmin();
    succeeded(await observed.vote(1));
    const size = await observed.entries();
    await observed.observerHas(size);
    await observed.admin.kill('SIGINT');
    await rm(observed.data, { recursive: true });
    await cp(observed.path('backup'), observed.data, { recursive: true });
    const old = await observed.entries();
    assert.ok(old < size);

    await observed.startAdmin();
    await observed.admin.waitFor(/ALARM: somebody has a checkpoint of (\d+) entries/);
    await observed.observer.waitFor(/ALARM[^]*THE AUTHORITY SHOWS/);
    const voted = await observed.vote(2, '--wait', '0');
    assert.equal(voted.code, 3, voted.stderr);
    assert.match(voted.stderr, /takes nothing in before that is settled/);
    const closed = await observed.adminCommand('close', '--json');
    assert.equal(closed.code, 1);
    assert.match(closed.stdout, /"code":"history-incomplete"/);
    // What is there can be read all the same.
    assert.match(succeeded(await observed.verify(0)).stdout, /^VALID/);
    await observed.admin.kill('SIGINT');
    assert.equal(await observed.entries(), old, 'nothing was added');
    // It does not start again, and adds nothing without being started, whether or not the observer is there.
    for (const args of [[], ['--trust-copy']]) {
      const again = await observed.adminCommand('--json', '--listen', '/ip6/::1/tcp/0', ...args);
      assert.equal(again.code, 1, again.stderr);
      assert.match(again.stdout, /"code":"history-incomplete"/);
    }
    assert.match((await observed.adminCommand('close', '--json')).stdout, /"code":"unconfirmed"/);

    await rename(observed.data, observed.path('set-back'));
    succeeded(await observed.restore('--from', observed.observerAddress));
    await observed.startAdmin();
    for (const voter of [2, 3]) succeeded(await observed.vote(voter));
    assert.match(succeeded(await observed.verify(1)).stdout, /^VALID/);
  });
});
