import { openLevelStore } from '#src/store/level-store.js';
import { BatchMaker } from './made-batches.js';

// Arguments: hold | write, folder, bytes of an entry. Prints the log's size, and again after each commit that was
// acknowledged; closes the store when standard input ends.
const [mode, folder = '', entryBytes] = process.argv.slice(2);
const store = await openLevelStore(folder, { create: true, program: `a process that can ${String(mode)}` });
const maker = new BatchMaker(Number(entryBytes));
const stopping = new AbortController();
process.stdin.on('end', () => {
  stopping.abort();
});
process.stdin.resume();

process.stdout.write('0\n');
while (!stopping.signal.aborted) {
  if (mode === 'write') {
    await store.commit(maker.next(1 + (maker.size % 97)));
    process.stdout.write(`${maker.size}\n`);
  } else {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
await store.close();
