// Runs the compiled tests under build/test with Node's own runner. Arguments narrow the run: each is a part of
// a path, e.g. `npm test -- log/merkle`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const wanted = process.argv.slice(2);
const compiled = join(root, 'build/test');
/** The compiler leaves behind what it made of a test that has moved or is gone. */
const hasSource = (path) => existsSync(join(root, 'test', relative(compiled, path).replace(/\.js$/, '.ts')));
const tests = readdirSync(compiled, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .filter(hasSource)
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .sort();
if (tests.length === 0) {
  console.error(`No test matches ${wanted.join(', ')}.`);
  process.exit(2);
}
// A test that never ends, or leaves something running, fails by itself after a while instead of holding up whoever waits.
// The runner's own limit names the test, but (from Node 22 on) not a file that stays open after its tests: hence the second.
const TEST_LIMIT_MS = 5 * 60_000;
const RUN_LIMIT_MS = 20 * 60_000;

// Programs remember things for their user: those under test must not do so in anybody's home.
const state = mkdtempSync(join(tmpdir(), 'psephos-tests-'));

const runner = spawn(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${availableParallelism()}`,
    `--test-timeout=${TEST_LIMIT_MS}`,
    ...tests,
  ],
  // A process group of its own, so that everything the tests started can be ended with it.
  {
    cwd: root,
    stdio: 'inherit',
    detached: process.platform !== 'win32',
    env: { ...process.env, PSEPHOS_STATE: state },
  },
);

function endAll(signal) {
  try {
    process.kill(process.platform === 'win32' ? runner.pid : -runner.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

const limit = setTimeout(() => {
  console.error(`The tests did not end within ${RUN_LIMIT_MS / 60_000} minutes; they are stopped.`);
  endAll('SIGKILL');
}, RUN_LIMIT_MS);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => endAll(signal));
runner.on('exit', (code) => {
  clearTimeout(limit);
  endAll('SIGKILL');
  rmSync(state, { recursive: true, force: true });
  process.exit(code ?? 1);
});
