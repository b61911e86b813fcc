import type { TestContext } from 'node:test';
import { LAN_PREFIX } from './addresses.ts';
import { type Families, type Line, WAN } from './line.ts';
import { NetNode, cable } from './net-node.ts';

/**
 * What a router's NAT does with the source port. `preserving`: keeps it, whoever is dialled, so that others can be told where
 * a socket is found (RFC 4787 calls the mapping endpoint-independent). `symmetric`: another port at random for each
 * destination. Both let in only what answers what was sent.
 */
export type Nat = 'preserving' | 'symmetric';

export interface HomeOptions {
  readonly families?: Families;
  readonly nat: Nat;
}

const MASQUERADE: Readonly<Record<Nat, string>> = {
  preserving: 'masquerade persistent',
  symmetric: 'masquerade random,fully-random',
};

/** The router's end of the network behind it. */
export const LAN = 'lan';

/**
 * What every home router does: lets out everything, lets in what answers it (RFC 6092 says so of IPv6), and has one IPv4
 * address for all. What it drops it drops in silence, and counts.
 */
export const homeRules = (nat: Nat): string => `
table inet firewall {
  counter dropped { }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "${LAN}" accept
    ct status dnat accept
    counter name dropped drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ct state established,related accept
    iifname "${WAN}" meta l4proto != ipv6-icmp counter name dropped drop
  }
}
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${WAN}" ${MASQUERADE[nat]}
  }
}
`;

/**
 * Computers of different homes have different numbers behind the same LAN prefix, so that what one has for its address leads nowhere in
 * another's network: by far the most frequent case in life.
 */
const MOST_MEMBERS = 10;

interface Member {
  readonly node: NetNode;
  readonly number: number;
}

/** A home: a router with NAT for IPv4 and a stateful firewall for both families, and computers behind it. */
export class Home {
  readonly line: Line;
  readonly router: NetNode;
  readonly #t: TestContext;
  readonly #members: Member[] = [];
  #prefix: string;

  private constructor(t: TestContext, router: NetNode, line: Line) {
    this.#t = t;
    this.router = router;
    this.line = line;
    this.#prefix = line.prefix;
  }

  static async open(t: TestContext, router: NetNode, line: Line, { nat }: HomeOptions): Promise<Home> {
    await router.ip(`link add ${LAN} type bridge`, `link set ${LAN} up`);
    await router.nft(homeRules(nat));
    const home = new Home(t, router, line);
    if (line.families.ip4) await router.ip(`addr add ${LAN_PREFIX}1/24 dev ${LAN}`);
    if (line.families.ip6) await router.ip(`addr add ${home.#prefix}1/64 dev ${LAN}`);
    return home;
  }

  /** A computer in the network behind the router. */
  async host(label: string): Promise<NetNode> {
    const node = await NetNode.create(this.#t, label);
    const member = { node, number: this.line.number * MOST_MEMBERS + this.#members.length };
    this.#members.push(member);
    const port = `lan${member.number}`;
    await cable({ node: this.router, port }, { node, port: 'eth0' });
    await this.router.ip(`link set ${port} master ${LAN}`);
    if (this.line.families.ip4) {
      await node.ip(
        `addr add ${LAN_PREFIX}${member.number}/24 dev eth0`,
        `route add 0.0.0.0/0 via ${LAN_PREFIX}1`,
      );
    }
    if (this.line.families.ip6) await this.#join(member);
    return node;
  }

  /** The IPv6 address of a computer behind the router. */
  addressOf(node: NetNode): string {
    return `${this.#prefix}${this.#numberOf(node)}`;
  }

  /** The IPv4 address of a computer behind the router. */
  privateAddressOf(node: NetNode): string {
    return `${LAN_PREFIX}${this.#numberOf(node)}`;
  }

  /** What `addressOf` would be after a `renumber` now. */
  comingAddressOf(node: NetNode): string {
    return `${this.line.comingPrefix}${this.#numberOf(node)}`;
  }

  /** As `Line.renumber`, and every computer behind the router has addresses of the new prefix alone. */
  async renumber(): Promise<void> {
    await this.line.renumber();
    if (!this.line.families.ip6) return;
    const old = this.#prefix;
    this.#prefix = this.line.prefix;
    await this.router.ip(`addr del ${old}1/64 dev ${LAN}`, `addr add ${this.#prefix}1/64 dev ${LAN}`);
    for (const member of this.#members) {
      await member.node.ip(`addr del ${old}${member.number}/64 dev eth0`);
      await this.#join(member);
    }
  }

  /** Opens the firewall for connections by IPv6 to one port of the computers behind it. */
  async letIn(tcpPort: number): Promise<void> {
    await this.router.nft(
      `insert rule inet firewall forward meta nfproto ipv6 tcp dport ${tcpPort} accept\n`,
    );
  }

  /** Forwards a TCP port of the router's public IPv4 address to a computer behind it. */
  async forward(tcpPort: number, to: NetNode): Promise<void> {
    await this.router.nft(
      `table ip nat {
        chain prerouting {
          type nat hook prerouting priority dstnat; policy accept;
          iifname "${WAN}" tcp dport ${tcpPort} dnat to ${this.privateAddressOf(to)}
        }
      }\n`,
    );
  }

  /** Packets that the router has dropped so far. */
  async dropped(): Promise<number> {
    const text = await this.router.exec(['nft', 'list', 'counter', 'inet', 'firewall', 'dropped']);
    const [, packets] = /packets (\d+)/.exec(text) ?? [];
    if (packets === undefined) throw new Error(`no count in:\n${text}`);
    return Number(packets);
  }

  #numberOf(node: NetNode): number {
    const member = this.#members.find((one) => one.node === node);
    if (member === undefined) throw new Error(`${node.label} is not behind this router`);
    return member.number;
  }

  async #join({ node, number }: Member): Promise<void> {
    await node.ip(`addr add ${this.#prefix}${number}/64 dev eth0`, `route replace ::/0 via ${this.#prefix}1`);
  }
}
