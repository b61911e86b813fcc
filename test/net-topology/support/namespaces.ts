import { readFile } from 'node:fs/promises';
import { tool } from './tools.ts';

/** All network namespaces of these tests are called psephos-<owner's pid>-…, so that nobody else's is ever removed. */
const NAME = /^psephos-(\d+)-/;

/** The process that sees to it that nothing stays: whoever runs the tests, else this process. */
const OWNER = Number(process.env['PSEPHOS_NET_OWNER'] ?? process.pid);

let made = 0;

/** Makes an empty network namespace with a name that nothing else has. */
export async function makeNamespace(label: string): Promise<string> {
  made += 1;
  const name = `psephos-${OWNER}-${process.pid}-${made}-${label}`;
  await tool('ip', ['netns', 'add', name]);
  return name;
}

/** Removes a namespace, after ending what still runs in it; its interfaces go with it. One that is gone already is no failure. */
export async function removeNamespace(name: string): Promise<void> {
  try {
    const pids = await tool('ip', ['netns', 'pids', name]);
    for (const pid of pids.split('\n').filter((line) => line !== '')) end(Number(pid));
    await tool('ip', ['netns', 'delete', name]);
  } catch (error) {
    // A test whose runner died may be cleaning up at the same time.
    if ((await namespaces()).includes(name)) throw error;
  }
}

/** Removes the namespaces that processes left behind which have died. */
export async function removeStale(): Promise<void> {
  for (const { name, owner } of await ours()) if (!(await isAlive(owner))) await removeNamespace(name);
}

/** Removes all namespaces of this owner. */
export async function removeOwn(): Promise<void> {
  for (const { name, owner } of await ours()) if (owner === OWNER) await removeNamespace(name);
}

/** The namespaces of these tests, whoever runs them. */
async function ours(): Promise<{ readonly name: string; readonly owner: number }[]> {
  return (await namespaces()).flatMap((name) => {
    const [, owner] = NAME.exec(name) ?? [];
    return owner === undefined ? [] : [{ name, owner: Number(owner) }];
  });
}

async function namespaces(): Promise<string[]> {
  return (await tool('ip', ['netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    // A zombie has a process id too; the state stands after the name, which may hold anything.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(stat);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}
