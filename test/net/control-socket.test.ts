import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { access, mkdir, stat, writeFile } from 'node:fs/promises';
import { type Socket, createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { PsephosError, refused } from '#src/base/errors.js';
import { MAX_CONTROL_LINE } from '#src/net/control-lines.js';
import { type ControlRequest, askControl, controlPath, serveControl } from '#src/net/control-socket.js';
import { tempFolder } from '../support/temp-election.ts';
import { cleanUp } from '../support/cleanup.ts';

type Handle = Parameters<typeof serveControl>[0]['handle'];
type Deadlines = Parameters<typeof serveControl>[0]['deadlines'];

interface Served {
  readonly folder: string;
  readonly defects: unknown[];
  readonly close: () => Promise<void>;
}

async function serve(t: TestContext, handle: Handle, deadlines: Deadlines = {}): Promise<Served> {
  const folder = await tempFolder(t);
  const defects: unknown[] = [];
  const server = await serveControl({ folder, handle, onDefect: (error) => defects.push(error), deadlines });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= server.close());
  cleanUp(t, close);
  return { folder, defects, close };
}

async function ask(
  folder: string,
  request: ControlRequest,
  deadlines = {},
): Promise<{ found: boolean; items: unknown[] }> {
  const items: unknown[] = [];
  const found = await askControl(
    folder,
    request,
    (item) => Promise.resolve(void items.push(item)),
    deadlines,
  );
  return { found, items };
}

function unexpected(error: unknown): void {
  assert.fail(String(error));
}

const STATUS: ControlRequest = { command: 'status', args: {} };

/** Speaks to the socket without the client, and resolves to all that it answers. */
async function speak(folder: string, bytes: string | Uint8Array): Promise<string> {
  const socket = createConnection(controlPath(folder));
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.write(bytes);
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  await once(socket, 'close');
  return text;
}

const hasCode = (code: string) => (error: unknown) => error instanceof PsephosError && error.code === code;

describe('the control socket', () => {
  it('carries a command to the process that serves it, and its items back in order', async (t) => {
    const { folder } = await serve(t, async ({ command, args }, send) => {
      await send({ command });
      await send(args);
    });
    const answer = await ask(folder, { command: 'close', args: { text: 'Zoë\n', list: [1, null] } });
    assert.deepEqual(answer, {
      found: true,
      items: [{ command: 'close' }, { text: 'Zoë\n', list: [1, null] }],
    });
  });

  it('says that nobody is there where there is no socket', async (t) => {
    assert.deepEqual(await ask(await tempFolder(t), STATUS), { found: false, items: [] });
    assert.deepEqual(await ask(join(await tempFolder(t), 'none'), STATUS), { found: false, items: [] });
  });

  it('can be opened by its owner alone', async (t) => {
    const { folder } = await serve(t, () => Promise.resolve());
    assert.equal((await stat(join(folder, 'control.sock'))).mode & 0o777, 0o600);
  });

  it('is gone when its server has closed', async (t) => {
    const { folder, close } = await serve(t, () => Promise.resolve());
    await close();
    await assert.rejects(access(join(folder, 'control.sock')));
    assert.equal((await ask(folder, STATUS)).found, false);
  });

  it('is refused to a second process while the first one answers', async (t) => {
    const { folder } = await serve(t, () => Promise.resolve());
    await assert.rejects(
      serveControl({ folder, handle: () => Promise.resolve(), onDefect: () => undefined }),
      hasCode('already-running'),
    );
    assert.equal((await ask(folder, STATUS)).found, true);
  });

  it('that a killed process left behind is nobody, and is replaced', async (t) => {
    const folder = await tempFolder(t);
    const path = controlPath(folder);
    const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`;
    const child = spawn(process.execPath, ['-e', code]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    await access(path);
    assert.equal((await ask(folder, STATUS)).found, false);
    const server = await serveControl({ folder, handle: () => Promise.resolve(), onDefect: unexpected });
    assert.equal((await ask(folder, STATUS)).found, true);
    await server.close();
  });

  it('carries a foreseen failure as what it was', async (t) => {
    const { folder, defects } = await serve(t, () =>
      Promise.reject(refused('not-open', 'No round is open.', { hint: 'Open one.' })),
    );
    await assert.rejects(ask(folder, STATUS), (error) => {
      assert.ok(error instanceof PsephosError);
      assert.deepEqual(
        [error.kind, error.code, error.message, error.hint],
        ['refused', 'not-open', 'No round is open.', 'Open one.'],
      );
      return true;
    });
    assert.deepEqual(defects, []);
  });

  it('tells a client only that there was an unforeseen failure, and the server which', async (t) => {
    const { folder, defects } = await serve(t, () => Promise.reject(new TypeError('a secret')));
    await assert.rejects(
      ask(folder, STATUS),
      (error) => hasCode('internal')(error) && !String(error).includes('a secret'),
    );
    assert.match(String(defects[0]), /a secret/);
    assert.equal(defects.length, 1);
  });

  it('keeps a client waiting for as long as the work takes', async (t) => {
    const { folder } = await serve(
      t,
      async (_request, send) => {
        await new Promise((done) => setTimeout(done, 400));
        await send('done');
      },
      { requestMs: 50, waitMs: 20 },
    );
    assert.deepEqual((await ask(folder, STATUS, { silenceMs: 200 })).items, ['done']);
  });

  it('finishes a command that is under way when it is closed', async (t) => {
    const work = new EventEmitter();
    const { folder, close } = await serve(t, async (_request, send) => {
      setImmediate(() => work.emit('begun'));
      await once(work, 'finish');
      await send('done');
    });
    const begun = once(work, 'begun');
    const answer = ask(folder, STATUS);
    await begun;
    const closed = close();
    work.emit('finish');
    assert.deepEqual((await answer).items, ['done']);
    await closed;
  });

  it('carries more than a pipe holds, to a client that takes its time', async (t) => {
    const big = 'x'.repeat(100_000);
    const { folder } = await serve(t, async (_request, send) => {
      for (let i = 0; i < 50; i++) await send(big);
    });
    let items = 0;
    await askControl(folder, STATUS, async () => {
      items++;
      await new Promise((done) => setTimeout(done, 2));
    });
    assert.equal(items, 50);
  });

  it('refuses what is not a request, and goes on', async (t) => {
    const handled: string[] = [];
    const { folder, defects } = await serve(t, ({ command }) => Promise.resolve(void handled.push(command)));
    for (const line of [
      'garbage',
      '{}',
      '[]',
      'null',
      '{"v":2,"command":"close","args":{}}',
      '{"v":1,"command":"close","args":{},"more":1}',
      '',
    ]) {
      assert.match(await speak(folder, `${line}\n`), /"code":"malformed"/, line);
    }
    assert.equal(
      await speak(folder, Buffer.concat([Buffer.alloc(MAX_CONTROL_LINE + 1, 0x20), Buffer.from('\n')])),
      '',
    );
    assert.deepEqual(handled, []);
    assert.deepEqual(defects, []);
    assert.equal((await ask(folder, STATUS)).found, true);
  });

  it('hangs up on a client that connects and says nothing', async (t) => {
    const { folder, defects } = await serve(t, () => Promise.resolve(), { requestMs: 30 });
    assert.equal(await speak(folder, ''), '');
    assert.equal(await speak(folder, '{"v":1,'), '');
    assert.deepEqual(defects, []);
  });

  it('carries a command out to its end though its client left', async (t) => {
    const work = new EventEmitter();
    const { folder, defects } = await serve(t, async (_request, send) => {
      setImmediate(() => work.emit('begun'));
      await once(work, 'left');
      for (let i = 0; i < 20; i++) await send('x'.repeat(100_000));
      work.emit('finished');
    });
    const socket: Socket = createConnection(controlPath(folder));
    const begun = once(work, 'begun');
    socket.write('{"v":1,"command":"status","args":{}}\n');
    await begun;
    socket.destroy();
    await once(socket, 'close');
    const finished = once(work, 'finished');
    work.emit('left');
    await finished;
    assert.deepEqual(defects, []);
  });

  it('gives up answering a client that does not read, and carries its command out', async (t) => {
    const work = new EventEmitter();
    const { folder, defects } = await serve(
      t,
      async (_request, send) => {
        for (let i = 0; i < 20; i++) await send('x'.repeat(1_000_000));
        work.emit('finished');
      },
      { silenceMs: 50 },
    );
    const socket: Socket = createConnection(controlPath(folder));
    cleanUp(t, () => socket.destroy());
    const finished = once(work, 'finished');
    socket.write('{"v":1,"command":"status","args":{}}\n');
    await finished;
    assert.deepEqual(defects, []);
  });

  it('takes an error of the disk for what it is, not for a client that left', async (t) => {
    const { folder, defects } = await serve(t, () =>
      Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' })),
    );
    await assert.rejects(ask(folder, STATUS), hasCode('internal'));
    assert.match(String(defects[0]), /i\/o error/);
  });

  for (const [what, answer] of [
    ['falls silent', ''],
    ['answers with garbage', 'garbage\n'],
    ['answers in another way', '{"maybe":true}\n'],
    ['ends without an answer', null],
  ] as const) {
    it(`gives a server up that ${what}`, async (t) => {
      const folder = await tempFolder(t);
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        if (answer === null) socket.end();
        else socket.write(answer);
      }).listen(controlPath(folder));
      cleanUp(t, () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      await once(server, 'listening');
      await assert.rejects(ask(folder, STATUS, { silenceMs: 100 }), hasCode('no-answer'));
    });
  }

  it('takes the shorter of the two paths to a folder, and refuses one that the system has no room for', async (t) => {
    const folder = await tempFolder(t);
    const deep = join(folder, 'a'.repeat(60), 'b'.repeat(60));
    await mkdir(deep, { recursive: true });
    assert.throws(() => controlPath(deep), hasCode('path-too-long'));
    assert.deepEqual(await ask(deep, STATUS), { found: false, items: [] });
    const here = process.cwd();
    process.chdir(deep);
    try {
      assert.equal(controlPath('.'), 'control.sock');
      const server = await serveControl({
        folder: deep,
        handle: () => Promise.resolve(),
        onDefect: unexpected,
      });
      assert.equal((await ask('.', STATUS)).found, true);
      await server.close();
    } finally {
      process.chdir(here);
    }
  });

  it('is refused in words where the folder takes no socket', async (t) => {
    const folder = await tempFolder(t);
    await writeFile(join(folder, 'file'), '');
    const served = serveControl({
      folder: join(folder, 'none'),
      handle: () => Promise.resolve(),
      onDefect: unexpected,
    });
    await assert.rejects(served, hasCode('no-control-socket'));
    assert.equal((await ask(join(folder, 'file'), STATUS)).found, false);
  });
});
