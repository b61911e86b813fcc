// Runs the compiled tests under build/test. Arguments narrow the run: each is a part of a path, e.g. `npm test -- log/merkle`.
import { availableParallelism } from 'node:os';
import { runFiles, testFiles } from './test-runner.mjs';

process.exitCode = await runFiles(testFiles('.test.js', process.argv.slice(2)), {
  concurrency: availableParallelism(),
  testLimitMs: 5 * 60_000,
  runLimitMs: 20 * 60_000,
});
