// Runs compiled test files with Node's own runner, and lets nothing of theirs live on.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const compiled = join(root, 'build/test');
/** The compiler leaves behind what it made of a test that has moved or is gone. */
const hasSource = (path) => existsSync(join(root, 'test', relative(compiled, path).replace(/\.js$/, '.ts')));

/** The files under build/test with this ending; parts of paths narrow it. Ends the program where none matches. */
export function testFiles(ending, wanted) {
  const found = readdirSync(compiled, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter(hasSource)
    .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
    .sort();
  if (found.length === 0) {
    console.error(`No test matches ${wanted.join(', ')}.`);
    process.exit(2);
  }
  return found;
}

/**
 * Runs the files, `concurrency` at a time, and resolves to the exit code. A test that never ends, or leaves something running, fails by itself
 * after a while instead of holding up whoever waits. The runner's own limit names the test, but (from Node 22 on) not a file that stays open
 * after its tests: hence the second.
 */
export function runFiles(files, { concurrency, testLimitMs, runLimitMs, env = {} }) {
  // Programs remember things for their user: those under test must not do so in anybody's home.
  const state = mkdtempSync(join(tmpdir(), 'psephos-tests-'));
  const runner = spawn(
    process.execPath,
    [
      '--test',
      '--test-reporter=spec',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${testLimitMs}`,
      ...files,
    ],
    // A process group of its own, so that everything the tests started can be ended with it.
    {
      cwd: root,
      stdio: 'inherit',
      detached: process.platform !== 'win32',
      env: { ...process.env, PSEPHOS_STATE: state, ...env },
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
    console.error(`The tests did not end within ${runLimitMs / 60_000} minutes; they are stopped.`);
    endAll('SIGKILL');
  }, runLimitMs);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => endAll(signal));
  return new Promise((resolve) => {
    runner.on('exit', (code) => {
      clearTimeout(limit);
      endAll('SIGKILL');
      rmSync(state, { recursive: true, force: true });
      resolve(code ?? 1);
    });
  });
}
