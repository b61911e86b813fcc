import type { TestContext } from 'node:test';
import { addressing } from './addresses.ts';
import { Home, type HomeOptions } from './home.ts';
import { Line, type Families, BOTH } from './line.ts';
import { NetNode } from './net-node.ts';
import { type Traffic, TRAFFIC_RULES, readTraffic } from './traffic.ts';

/**
 * The internet of a test: one router in the middle, with a line to each subscriber. It counts what passes between any two of
 * them, and can be told to lose it. Goes with the test.
 */
export class Internet {
  readonly #t: TestContext;
  readonly #core: NetNode;
  /** Lines laid, and numberings used: each is used once, so that nobody takes up the address of another. */
  #lines = 0;
  #numbers = 0;

  private constructor(t: TestContext, core: NetNode) {
    this.#t = t;
    this.#core = core;
  }

  static async start(t: TestContext): Promise<Internet> {
    const core = await NetNode.create(t, 'core', 'router');
    // Else the kernel drops IPv6 addresses with the line, and a line that is mended has none.
    await core.exec(['tee', '/proc/sys/net/ipv6/conf/all/keep_addr_on_down'], '1');
    await core.nft(TRAFFIC_RULES);
    return new Internet(t, core);
  }

  /** A computer that is on the internet itself, with public addresses. */
  async host(label: string, families: Families = BOTH): Promise<PublicHost> {
    const node = await NetNode.create(this.#t, label);
    return { node, line: await this.#lay(node, families) };
  }

  /** A router with a network behind it. */
  async home(label: string, options: HomeOptions): Promise<Home> {
    const router = await NetNode.create(this.#t, label, 'router');
    const line = await this.#lay(router, options.families ?? BOTH);
    return Home.open(this.#t, router, line, options);
  }

  /** What passed from one line to another so far. */
  async traffic(from: Line, to: Line): Promise<Traffic> {
    return readTraffic(this.#core, from.port, to.port);
  }

  /** Has everything between two lines lost, in one direction, once so many bytes have passed from now on. */
  async loseAfter(bytes: number, from: Line, to: Line): Promise<void> {
    await this.#core.nft(
      `add rule inet losses forward iifname "${from.port}" oifname "${to.port}" quota over ${bytes} bytes drop\n`,
    );
  }

  /** Nothing is lost any more. */
  async loseNothing(): Promise<void> {
    await this.#core.nft('flush chain inet losses forward\n');
  }

  async #lay(subscriber: NetNode, families: Families): Promise<Line> {
    this.#lines += 1;
    return Line.lay({
      core: this.#core,
      subscriber,
      families,
      number: this.#lines,
      nextAddressing: () => addressing(++this.#numbers),
      comingAddressing: () => addressing(this.#numbers + 1),
    });
  }
}

export interface PublicHost {
  readonly node: NetNode;
  readonly line: Line;
}
