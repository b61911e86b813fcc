/**
 * The whole of an election with real processes, end to end: `npm run demo`. It prints what it shows, and fails loudly
 * when anything is not as expected. Everything happens in a temporary folder and on loopback.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { type Finished, type Running, jsonLines, run, start } from '../support/processes.ts';
import { freePort } from '../support/free-port.ts';
import { repositoryPath } from '../support/repository.ts';

const VOTERS = 25;
/** Fewer come back for the run-off. */
const RUN_OFF_VOTERS = 15;
const CANDIDATES = ['Ping’s Dumplings', 'La Trattoria', 'Falafel Corner', 'Curry Up'];
/** Processes at once: each voter is a whole program, and the machine may be small. */
const AT_ONCE = 4;

const began = Date.now();
let folder = '';
let admin: Running | undefined;
let observer: Running | undefined;

function say(text: string): void {
  const seconds = ((Date.now() - began) / 1000).toFixed(1).padStart(5);
  process.stdout.write(`[${seconds} s] ${text}\n`);
}

/** Prints what a program said: from the first line that matches `from` on, without the names of this machine's folders. */
function show(text: string, from?: RegExp): void {
  const lines = text
    .replaceAll(`${folder}/`, '')
    .replaceAll(repositoryPath('dist'), 'dist')
    .trimEnd()
    .split('\n');
  const first = from === undefined ? 0 : lines.findIndex((line) => from.test(line));
  assert.notEqual(first, -1, `${String(from)} is said in:\n${text}`);
  for (const line of lines.slice(first)) process.stdout.write(`          ${line}\n`);
}

/** Runs a program that must end with this exit status. */
async function expectExit(code: number, what: string, running: Promise<Finished>): Promise<Finished> {
  const finished = await running;
  if (finished.code !== code) {
    throw new Error(
      `${what}: exit ${String(finished.code)}, expected ${code}\n${finished.stdout}\n${finished.stderr}`,
    );
  }
  return finished;
}

const data = () => join(folder, 'election');
const common = () => ['--data', data(), '--keys', join(folder, 'keys')];
/** Observers pass on what they were told every few seconds. */
const COUNTED_MS = 30_000;
const adminCommand = (...args: string[]) => run('admin', [...common(), ...args], { cwd: folder });

async function startAdmin(port: number): Promise<string[]> {
  const listen = [`/ip6/::1/tcp/${port}`, `/ip4/127.0.0.1/tcp/${port}`].flatMap((address) => [
    '--listen',
    address,
  ]);
  admin = start('admin', [...common(), ...listen], { cwd: folder });
  const [six] = await admin.waitFor(/\/ip6\/::1\/tcp\/\d+\/p2p\/\w+/);
  const [four] = await admin.waitFor(/\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+/);
  return [six, four];
}

interface Voter {
  readonly username: string;
  readonly secretFile: string;
  /** Of a key of the voter's own, once there is one. */
  keyFile?: string;
}

async function votersOf(dataFolder: string): Promise<Voter[]> {
  const csv = await readFile(join(dataFolder, 'credentials', 'credentials.csv'), 'utf8');
  const rows: unknown = parse(csv, { columns: true, bom: true });
  return Promise.all(
    (rows as { username: string; secret: string }[]).map(async ({ username, secret }) => {
      const secretFile = join(folder, `${username}.secret`);
      await writeFile(secretFile, `${secret}\n`, { mode: 0o600 });
      return { username, secretFile };
    }),
  );
}

const castArgs = (voter: Voter, address: string, answer: string, receipt: string) => [
  ...['--dial', address],
  ...(voter.keyFile === undefined
    ? ['--username', voter.username, '--secret-file', voter.secretFile]
    : ['--key-file', voter.keyFile]),
  ...['--choose', answer, '--yes', '--json', '--receipt', receipt],
];

/** Has every voter cast one ballot, a few at a time; `expected` counts where they went. */
async function everybodyVotes(
  voters: readonly Voter[],
  addresses: readonly string[],
  choose: (index: number) => string,
  round: number,
): Promise<Map<string, number>> {
  const expected = new Map<string, number>();
  const queue = voters.map((voter, index) => ({ voter, index }));
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { voter, index } = next;
      const answer = choose(index);
      const address = addresses[index % addresses.length] as string;
      const receipt = join(folder, `${voter.username}-${round}.tlog-proof`);
      await expectExit(0, `voter ${voter.username}`, run('voter', castArgs(voter, address, answer, receipt)));
      expected.set(answer, (expected.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return expected;
}

/** Trustees by number, from 1; each has its program running for as long as the election lasts. */
const TRUSTEES = ['Ana', 'Ben', 'Cleo'];
const trustees = new Map<number, Running>();

function startTrustee(number: number, address: string): void {
  const own = ['--key', join(folder, `trustee-${number}.key`), '--no-passphrase'];
  const invitation = ['--invitation-file', join(data(), 'invitations', `trustee-${number}.txt`)];
  const running = start('trustee', ['join', '--dial', address, ...own, ...invitation], { cwd: folder });
  trustees.set(number, running);
}

/** Waits until so many trustees have decrypted, which they do by themselves; resolves to what the organiser's program said. */
/** Waits until the organiser was told, as it is now and then, and shows what. */
async function untilCounted(): Promise<void> {
  const until = Date.now() + COUNTED_MS;
  for (;;) {
    const { stdout } = await expectExit(0, 'admin status', adminCommand('status'));
    const [line, found] = /^.*looked for their ballot: (\d+) found it.*$/m.exec(stdout) ?? [];
    if (line !== undefined && Number(found) > 0) {
      show(line.trim());
      return;
    }
    assert.ok(Date.now() < until, 'the organiser was told of no ballot that was found');
    await sleep(500);
  }
}

async function decrypted(round: number): Promise<string> {
  const running = admin as Running;
  const shown = new RegExp(`[^\\n]*result of round ${round}[^]*?Written: [^\\n]+`);
  const [result] = await running.waitFor(shown);
  const lines = running.stdout.split('\n').filter((line) => line.includes(`has decrypted round ${round}`));
  return [...lines, result].join('\n');
}

/** Exports both rounds as elections of Belenios, and has its own program judge them where that is installed. */
async function askBelenios(): Promise<void> {
  const tool = process.env['PSEPHOS_BELENIOS_TOOL'] ?? 'belenios-tool';
  for (const round of [1, 2]) {
    const archive = join(folder, `belenios-${round}`);
    await mkdir(archive);
    const file = join(archive, 'election.bel');
    const args = ['export', '--belenios', file, '--round', String(round)];
    await expectExit(0, 'admin export --belenios', adminCommand(...args));
    const ours = await expectExit(0, 'verify-log on the archive', run('verify-log', [file]));
    say(`Round ${round} as an archive of Belenios: ${ours.stdout.trim().split('\n').at(-1) ?? ''}`);
    // Without the first variable its program (3.0) does not wait for the check of the ballots.
    const env = { ...process.env, LWT_ASYNC_METHOD: 'none', BELENIOS_USE_URANDOM: '1' };
    const theirs = spawnSync(tool, ['election', 'verify', '--dir', archive], { env, encoding: 'utf8' });
    if (theirs.error !== undefined) {
      say("Belenios' own program is not installed here, so that it is not asked.");
      return;
    }
    if (theirs.status !== 0) throw new Error(`belenios-tool refuses round ${round}:\n${theirs.stderr}`);
    say(
      `belenios-tool, which other people wrote, about the same: ${theirs.stderr.trim().split('\n').at(-1) ?? ''}`,
    );
  }
}

interface ResultFile {
  readonly questions: readonly {
    readonly answers: readonly { readonly answer: string; readonly votes: number }[];
  }[];
  readonly turnout: { readonly voted: number; readonly ballots: number };
}

async function expectResult(
  round: number,
  expected: ReadonlyMap<string, number>,
  turnout: { readonly voted: number; readonly ballots: number },
): Promise<void> {
  const result = JSON.parse(
    await readFile(join(data(), 'results', `round-${round}.json`), 'utf8'),
  ) as ResultFile;
  for (const { answer, votes } of result.questions[0]?.answers ?? []) {
    assert.equal(votes, expected.get(answer) ?? 0, `votes for ${answer} in round ${round}`);
  }
  assert.equal(result.turnout.voted, turnout.voted, `voters in round ${round}`);
  assert.equal(result.turnout.ballots, turnout.ballots, `ballots in round ${round}`);
}

async function firstElection(): Promise<void> {
  say(`An organiser prepares an election for ${VOTERS} voters: "Best to-go restaurant".`);
  await writeFile(join(folder, 'candidates.txt'), CANDIDATES.join('\n'));
  await writeFile(
    join(folder, 'voters.txt'),
    Array.from({ length: VOTERS }, (_, i) => `voter${i + 1}`).join('\n'),
  );
  const made = await expectExit(
    0,
    'admin init',
    adminCommand(
      ...['init', '--title', 'Best to-go restaurant', '--candidates', join(folder, 'candidates.txt')],
      ...['--voters', join(folder, 'voters.txt'), '--revote', 'last', '--threshold', '2'],
      ...TRUSTEES.flatMap((name) => ['--invite', name]),
    ),
  );
  show(made.stdout, /is ready/);
  const voters = await votersOf(data());
  assert.equal(voters.length, VOTERS);
  const port = await freePort();
  const addresses = await startAdmin(port);
  say(`admin listens on ${addresses.join(' and ')}`);

  say('Three trustees start their programs, each with its invitation, and make the election’s key together:');
  for (const [at] of TRUSTEES.entries()) startTrustee(at + 1, addresses[0] as string);
  await Promise.all([...trustees.values()].map((running) => running.waitFor(/shown that you could decrypt/)));
  show((trustees.get(2) as Running).stdout, /^Step 1/);
  say('A friend of a candidate keeps an eye on it all, with one command:');
  const watch = ['--data', join(folder, 'observer'), '--listen', '/ip6/::1/tcp/0'];
  observer = start('observer', [...watch, '--dial', addresses[0] as string], { cwd: folder });
  const [copy] = await observer.waitFor(/\/ip6\/::1\/tcp\/\d+\/p2p\/\w+/);
  await observer.waitFor(/entries, checked/);
  show(observer.stdout);
  say('A voter puts an own key in the place of the secret, which from then on votes no more:');
  const careful = voters[2] as Voter;
  const keyFile = join(folder, `${careful.username}.key`);
  const enrol = ['enrol', '--dial', addresses[0] as string, '--username', careful.username, '--yes'];
  const files = ['--secret-file', careful.secretFile, '--key-file', keyFile];
  const receipt = ['--receipt', join(folder, `${careful.username}-key.tlog-proof`)];
  const enrolled = await expectExit(0, 'voter enrol', run('voter', [...enrol, ...files, ...receipt]));
  show(enrolled.stdout, /[Ee]nrolled|own key/);
  careful.keyFile = keyFile;
  say('The organiser sees how ready the trustees are, and opens the round:');
  show((await expectExit(0, 'admin trustees', adminCommand('trustees'))).stdout);
  await expectExit(0, 'admin open', adminCommand('open'));

  const half = Math.floor(VOTERS / 2);
  const choose = (index: number) => CANDIDATES[[0, 0, 1, 1, 2, 0, 1, 3][index % 8] as number] as string;
  say(`${half} voters cast their ballots, over ::1 and 127.0.0.1 …`);
  const expected = await everybodyVotes(voters.slice(0, half), addresses, choose, 1);

  say('voter1 changes their mind and votes again (the last ballot counts):');
  const [voter1] = voters as [Voter];
  const again = join(folder, 'voter1-1b.tlog-proof');
  const revote = await expectExit(
    0,
    'the second ballot of voter1',
    run('voter', castArgs(voter1, addresses[0] as string, CANDIDATES[2] as string, again)),
  );
  show(revote.stderr, /voted in this round before/);
  expected.set(CANDIDATES[0] as string, (expected.get(CANDIDATES[0] as string) ?? 0) - 1);
  expected.set(CANDIDATES[2] as string, (expected.get(CANDIDATES[2] as string) ?? 0) + 1);

  say('A stranger tries to vote, with somebody else’s secret, and is refused:');
  const stranger = { username: 'stranger', secretFile: voter1.secretFile };
  const strangerArgs = castArgs(
    stranger,
    addresses[0] as string,
    CANDIDATES[0] as string,
    join(folder, 'stranger.tlog-proof'),
  );
  show((await expectExit(1, 'the stranger', run('voter', strangerArgs))).stderr, /no voter/);

  say('The power goes: admin is killed with SIGKILL while voters go on voting …');
  const rest = everybodyVotes(voters.slice(half), addresses, (index) => choose(index + half), 1);
  await admin?.waitFor(/voter14/);
  await admin?.kill('SIGKILL');
  say('… and is started again on the same port; the voters’ programs try again by themselves.');
  await startAdmin(port);
  for (const [answer, votes] of await rest) expected.set(answer, (expected.get(answer) ?? 0) + votes);

  say('A voter checks their receipt from before the power cut:');
  const proof = [
    'verify',
    '--receipt',
    join(folder, 'voter2-1.tlog-proof'),
    '--dial',
    addresses[0] as string,
  ];
  show((await expectExit(0, 'voter verify', run('voter', proof))).stdout);

  say('The observer, whom voters’ programs told that they found their ballot, passes on how many did:');
  await untilCounted();

  say('Cleo’s computer is lost for good: her program is killed, and her key deleted.');
  await trustees.get(3)?.kill('SIGKILL');
  trustees.delete(3);
  await rm(join(folder, 'trustee-3.key'));
  say(
    'The organiser closes round 1. Nobody alone can open a ballot; any two of the trustees can decrypt the sum, after an audit of their own:',
  );
  await expectExit(0, 'admin close', adminCommand('close'));
  show(await decrypted(1));
  await expectResult(1, expected, { voted: VOTERS, ballots: VOTERS + 1 });

  say(
    'Before the run-off the trustees are asked again whether they could decrypt; one of three is missing now:',
  );
  await expectExit(0, 'admin trustees call', adminCommand('trustees', 'call'));
  await (admin as Running).waitFor(/could decrypt \(2 of 3\)/);
  show((await expectExit(0, 'admin trustees', adminCommand('trustees'))).stdout);
  say('A run-off between the two with the most votes:');
  show(
    (await expectExit(0, 'admin next-round', adminCommand('next-round', '--carry', '2', '--open'))).stdout,
  );
  const finalists = [...expected]
    .sort((a, b) => b[1] - a[1])
    .map(([answer]) => answer)
    .slice(0, 2);
  const runOff = await everybodyVotes(
    voters.slice(0, RUN_OFF_VOTERS),
    addresses,
    (index) => finalists[index % 5 === 0 ? 1 : 0] as string,
    2,
  );
  await expectExit(0, 'admin close', adminCommand('close'));
  show(await decrypted(2));
  await expectResult(2, runOff, { voted: RUN_OFF_VOTERS, ballots: RUN_OFF_VOTERS });

  say('Anyone audits the live peer, and an exported copy:');
  show((await expectExit(0, 'verify-log on the peer', run('verify-log', [addresses[0] as string]))).stdout);
  const car = join(folder, 'election.car');
  await expectExit(0, 'admin export', adminCommand('export', '--car', car));
  const audit = await expectExit(0, 'verify-log on the export', run('verify-log', ['--json', car]));
  say(`verify-log on the export: ${audit.stderr.trim().split('\n').at(-1) ?? ''}`);
  assert.ok(jsonLines(audit.stdout).length > 0);

  await askBelenios();

  const bytes = await readFile(car);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] as number) ^ 1;
  await writeFile(car, bytes);
  const altered = await expectExit(1, 'verify-log on the altered export', run('verify-log', [car]));
  say('One bit of the export is flipped:');
  show(altered.stdout + altered.stderr, /INVALID/);
  for (const [number, running] of trustees) await expectExit(0, `trustee ${number}`, running.kill('SIGINT'));
  trustees.clear();
  await expectExit(0, 'admin', (admin as Running).kill('SIGINT'));

  say('The organiser’s computer is off. The observer has the whole election, for anyone to audit:');
  show((await expectExit(0, 'verify-log on the observer', run('verify-log', [copy]))).stdout, /VALID/);
  const watched = await run('observer', ['status', '--data', join(folder, 'observer')]);
  show(watched.stdout, /Election|Entries|Turnout|Cosigned|alarm/);
  await expectExit(0, 'observer', observer.kill('SIGINT'));
}

async function secondElection(): Promise<void> {
  say('In another election the first ballot stands (--revote never): a second one is refused.');
  folder = join(folder, 'second');
  const options = ['init', '--title', 'Treasurer', '--candidates', join(folder, '..', 'candidates.txt')];
  const voters = ['--voters', join(folder, 'voters.txt'), '--revote', 'never', '--open'];
  await mkdir(folder);
  await writeFile(join(folder, 'voters.txt'), 'ada\ngrace\n');
  await expectExit(0, 'admin init', adminCommand(...options, ...voters));
  const [first] = (await votersOf(data())) as [Voter];
  const addresses = await startAdmin(await freePort());
  const address = addresses[0] as string;
  const cast = (receipt: string) =>
    run('voter', castArgs(first, address, CANDIDATES[1] as string, join(folder, receipt)));
  await expectExit(0, 'the first ballot', cast('first.tlog-proof'));
  show((await expectExit(1, 'the second ballot', cast('second.tlog-proof'))).stderr, /already voted/);
  await expectExit(0, 'admin', (admin as Running).kill('SIGINT'));
}

async function demo(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'psephos-demo-'));
  const top = folder;
  try {
    await firstElection();
    await secondElection();
    say('Every count was as expected.');
  } finally {
    for (const running of trustees.values()) await running.kill('SIGKILL');
    await observer?.kill('SIGKILL');
    await admin?.kill('SIGKILL');
    await rm(top, { recursive: true, force: true });
  }
}

await demo();
