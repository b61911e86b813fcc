import { PsephosError } from '#src/base/errors.js';
import { openLevelStore } from '#src/store/level-store.js';

// Argument: a data folder. Opens it, making it if need be, and prints what came of that.
try {
  const store = await openLevelStore(process.argv[2] ?? '', { create: true, program: 'a test' });
  await store.close();
  process.stdout.write('opened');
} catch (error) {
  process.stdout.write(error instanceof PsephosError ? `${error.code}: ${error.message}` : String(error));
}
