import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, describe, it } from 'node:test';
import type { Home, Nat } from './support/home.ts';
import { Internet, type PublicHost } from './support/internet.ts';
import { removeStale } from './support/namespaces.ts';
import { needsNet } from './support/needs-net.ts';
import { NetNode } from './support/net-node.ts';
import { Probe } from './support/probe.ts';
import type { Endpoint } from './support/probe-messages.ts';
import { tool } from './support/tools.ts';

const PORT = 4000;
/** From which a computer behind a NAT connects to several others. */
const OWN_PORT = 5000;

/** A computer behind a router with such a NAT, and one that is on the internet itself. */
async function natAndServer(t: TestContext, nat: Nat) {
  const internet = await Internet.start(t);
  const home = await internet.home('home', { nat });
  const laptop = await home.host('laptop');
  const [one, two] = [await internet.host('one'), await internet.host('two')];
  const probe = (at: PublicHost) => ({ at, probe: Probe.start(t, at.node) });
  return { internet, home, laptop: Probe.start(t, laptop), node: laptop, one: probe(one), two: probe(two) };
}

const ip4 = ({ line }: { readonly line: PublicHost['line'] }, port: number): Endpoint => ({
  address: line.addresses.ip4,
  port,
});
const ip6 = ({ line }: { readonly line: PublicHost['line'] }, port: number): Endpoint => ({
  address: line.addresses.ip6,
  port,
});

describe('a NAT of the topologies', () => {
  it('that preserves ports shows one socket to everybody at one address', async (t) => {
    if (!(await needsNet(t))) return;
    const { home, laptop, one, two } = await natAndServer(t, 'preserving');
    const own = await laptop.openUdp();
    const seen = await Promise.all(
      [one, two].map(async ({ at, probe }) => {
        await probe.openUdp(PORT);
        await laptop.sendUdp(own, ip4(at, PORT), 'hello');
        return (await probe.arrival(PORT, 'hello')).from;
      }),
    );
    const mapped = { address: home.line.addresses.ip4, port: own };
    assert.deepEqual(seen, [mapped, mapped]);
  });

  it('that is symmetric shows one socket to each at another port', async (t) => {
    if (!(await needsNet(t))) return;
    const { home, laptop, one, two } = await natAndServer(t, 'symmetric');
    const own = await laptop.openUdp();
    const ports = new Set<number>([own]);
    // A random port is the old one once in some 60,000 times.
    for (const { at, probe } of [one, two]) {
      await probe.openUdp(PORT);
      await laptop.sendUdp(own, ip4(at, PORT), 'hello');
      const { from } = await probe.arrival(PORT, 'hello');
      assert.equal(from.address, home.line.addresses.ip4);
      ports.add(from.port);
    }
    assert.equal(ports.size, 3, [...ports].join());
  });

  for (const nat of ['preserving', 'symmetric'] as const) {
    it(`that is ${nat} maps TCP as it maps UDP`, async (t) => {
      if (!(await needsNet(t))) return;
      const { laptop, one, two } = await natAndServer(t, nat);
      const seen = new Set<number>();
      for (const { at, probe } of [one, two]) {
        await probe.listenTcp(PORT);
        await laptop.connectTcp(ip4(at, PORT), OWN_PORT);
        seen.add((await probe.arrival(PORT)).from.port);
      }
      if (nat === 'preserving') assert.deepEqual([...seen], [OWN_PORT]);
      else assert.equal(seen.size, 2);
    });

    it(`that is ${nat} lets in what answers, and nobody else`, async (t) => {
      if (!(await needsNet(t))) return;
      const { laptop, one, two } = await natAndServer(t, nat);
      const own = await laptop.openUdp();
      for (const { probe } of [one, two]) await probe.openUdp(PORT);
      await laptop.sendUdp(own, ip4(one.at, PORT), 'hello');
      const mapped = (await one.probe.arrival(PORT, 'hello')).from;
      await two.probe.sendUdp(PORT, mapped, 'from a stranger');
      await one.probe.sendUdp(PORT, mapped, 'answer');
      await laptop.arrival(own, 'answer');
      assert.deepEqual(
        laptop.arrivals.map(({ text }) => text),
        ['answer'],
      );
    });
  }

  it('lets two sockets meet that know of each other, unless it is symmetric', async (t) => {
    if (!(await needsNet(t))) return;
    for (const [left, right, meet] of [
      ['preserving', 'preserving', true],
      ['preserving', 'symmetric', false],
      ['symmetric', 'symmetric', false],
    ] as const) {
      assert.equal(await theyMeet(t, left, right), meet, `${left} and ${right}`);
    }
  });
});

/** Whether two sockets behind NATs get each other's datagrams, when each is told where a third computer saw the other. */
async function theyMeet(t: TestContext, left: Nat, right: Nat): Promise<boolean> {
  const internet = await Internet.start(t);
  const server = await internet.host('server');
  const meeting = Probe.start(t, server.node);
  await meeting.openUdp(PORT);
  const sides = await Promise.all(
    [left, right].map(async (nat, side) => {
      const home: Home = await internet.home(`home${side}`, { nat });
      const probe = Probe.start(t, await home.host(`laptop${side}`));
      const port = await probe.openUdp();
      await probe.sendUdp(port, ip4(server, PORT), `side ${side}`);
      return { probe, port, mapped: (await meeting.arrival(PORT, `side ${side}`)).from };
    }),
  );
  const [a, b] = sides;
  assert.ok(a !== undefined && b !== undefined);
  // The first to send is not let in, and opens the way for the other one; twice, so that both had a chance.
  for (let round = 0; round < 2; round++) {
    await a.probe.sendUdp(a.port, b.mapped, 'from a');
    await b.probe.sendUdp(b.port, a.mapped, 'from b');
  }
  // Behind what was sent, so that all that arrives has arrived.
  for (const { probe, mapped, port } of sides) {
    await meeting.sendUdp(PORT, mapped, 'end');
    await probe.arrival(port, 'end');
  }
  const has = (probe: Probe, text: string) => probe.arrivals.some((one) => one.text === text);
  return has(a.probe, 'from b') && has(b.probe, 'from a');
}

describe('a firewall of the topologies', () => {
  it('lets nobody in who was not called, by IPv6 either, until it is told to', async (t) => {
    if (!(await needsNet(t))) return;
    const { home, node, laptop, one } = await natAndServer(t, 'preserving');
    await laptop.listenTcp(PORT);
    await laptop.openUdp(PORT);
    await one.probe.openUdp(PORT);
    const inside = { address: home.addressOf(node), port: PORT };
    await one.probe.sendUdp(PORT, inside, 'from a stranger');
    assert.equal(await home.dropped(), 1);
    await laptop.sendUdp(PORT, ip6(one.at, PORT), 'hello');
    await one.probe.sendUdp(PORT, (await one.probe.arrival(PORT, 'hello')).from, 'answer');
    await laptop.arrival(PORT, 'answer');
    assert.equal(await home.dropped(), 1);
    assert.equal(laptop.arrivals.length, 1);
    await home.letIn(PORT);
    await one.probe.connectTcp(inside);
  });
});

describe('the namespaces of the topologies', () => {
  it('are removed with what runs in them when whoever made them has died', async (t) => {
    if (!(await needsNet(t))) return;
    const died = spawn(process.execPath, ['--eval', '']);
    await once(died, 'exit');
    const left = await NetNode.create(t, 'left');
    const orphan = left.namespace.replace(/^psephos-\d+/, `psephos-${died.pid}`);
    await tool('ip', ['netns', 'add', orphan]);
    const idle = ['--eval', 'setInterval(() => undefined, 1e6); console.log("runs")'];
    const running = spawn('ip', ['netns', 'exec', orphan, process.execPath, ...idle]);
    await once(running.stdout, 'data');
    const ended = once(running, 'exit');
    await removeStale();
    await ended;
    const names = await tool('ip', ['netns', 'list']);
    assert.ok(!names.includes(orphan), 'of one that died');
    assert.ok(names.includes(left.namespace), 'of one that lives');
  });
});

describe('the internet of the topologies', () => {
  it('counts what passes, by family and by who talks to whom', async (t) => {
    if (!(await needsNet(t))) return;
    const { internet, home, laptop, one, two } = await natAndServer(t, 'preserving');
    const own = await laptop.openUdp();
    await laptop.sendUdp(own, ip4(one.at, PORT), 'x'.repeat(100));
    await laptop.sendUdp(own, ip6(one.at, PORT), 'x'.repeat(100));
    // IPv4's header has 20 bytes, IPv6's 40, UDP's 8. Nothing listens there, which the kernel answers.
    assert.deepEqual(await internet.traffic(home.line, one.at.line), { ip4: 128, ip6: 148 });
    assert.deepEqual(await internet.traffic(home.line, two.at.line), { ip4: 0, ip6: 0 });
  });

  it('loses in one direction what it is told to lose', async (t) => {
    if (!(await needsNet(t))) return;
    const { internet, one, two } = await natAndServer(t, 'preserving');
    for (const { probe } of [one, two]) await probe.openUdp(PORT);
    await internet.loseAfter(200, one.at.line, two.at.line);
    for (const text of ['first', 'second']) await one.probe.sendUdp(PORT, ip4(two.at, PORT), text.repeat(20));
    await two.probe.sendUdp(PORT, ip4(one.at, PORT), 'back');
    await one.probe.arrival(PORT, 'back');
    await internet.loseNothing();
    await one.probe.sendUdp(PORT, ip4(two.at, PORT), 'third');
    await two.probe.arrival(PORT, 'third');
    assert.deepEqual(
      two.probe.arrivals.map(({ text }) => text),
      ['first'.repeat(20), 'third'],
    );
  });

  it('has lines that are cut and mended without anybody’s address changing', async (t) => {
    if (!(await needsNet(t))) return;
    const { internet, one, two } = await natAndServer(t, 'preserving');
    for (const { probe } of [one, two]) await probe.openUdp(PORT);
    for (const address of [ip4, ip6]) {
      await two.at.line.cut();
      await one.probe.sendUdp(PORT, address(two.at, PORT), 'into the void');
      await two.at.line.mend();
      await one.probe.sendUdp(PORT, address(two.at, PORT), address.name);
      await two.probe.arrival(PORT, address.name);
    }
    assert.equal(two.probe.arrivals.length, 2);
    assert.ok((await internet.traffic(one.at.line, two.at.line)).ip6 > 0);
  });

  it('gives a line other addresses, and the old ones lead nowhere', async (t) => {
    if (!(await needsNet(t))) return;
    const { home, node, laptop, one } = await natAndServer(t, 'preserving');
    await one.probe.openUdp(PORT);
    const before = { ip4: home.line.addresses.ip4, ip6: home.addressOf(node) };
    await home.renumber();
    const own = await laptop.openUdp();
    for (const [to, was, is] of [
      [ip4(one.at, PORT), before.ip4, home.line.addresses.ip4],
      [ip6(one.at, PORT), before.ip6, home.addressOf(node)],
    ] as const) {
      await laptop.sendUdp(own, to, is);
      assert.equal((await one.probe.arrival(PORT, is)).from.address, is);
      assert.notEqual(is, was);
      await assert.rejects(one.probe.connectTcp({ address: was, port: PORT }), /ENETUNREACH|EHOSTUNREACH/);
    }
  });
});
