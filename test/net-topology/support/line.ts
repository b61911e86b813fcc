import type { Addressing } from './addresses.ts';
import { type NetNode, cable } from './net-node.ts';

export interface Families {
  readonly ip4: boolean;
  readonly ip6: boolean;
}

export const BOTH: Families = { ip4: true, ip6: true };
export const IP4_ONLY: Families = { ip4: true, ip6: false };
export const IP6_ONLY: Families = { ip4: false, ip6: true };

/** The subscriber's end of a line, on every subscriber. */
export const WAN = 'wan';

export interface LineInit {
  readonly core: NetNode;
  readonly subscriber: NetNode;
  readonly families: Families;
  /** 1, 2, … */
  readonly number: number;
  readonly nextAddressing: () => Addressing;
  /** What `nextAddressing` would give now. */
  readonly comingAddressing: () => Addressing;
}

/** A subscriber's line to the internet, with addresses that the provider gives and takes away. */
export class Line {
  readonly #init: LineInit;
  #addressing: Addressing;

  private constructor(init: LineInit, addressing: Addressing) {
    this.#init = init;
    this.#addressing = addressing;
  }

  static async lay(init: LineInit): Promise<Line> {
    const line = new Line(init, init.nextAddressing());
    await cable({ node: init.core, port: line.port }, { node: init.subscriber, port: WAN });
    await line.#address('add');
    await line.#route();
    return line;
  }

  get number(): number {
    return this.#init.number;
  }

  /** The line's end in the middle of the internet. */
  get port(): string {
    return `line${this.#init.number}`;
  }

  get families(): Families {
    return this.#init.families;
  }

  /** The subscriber's public addresses now. */
  get addresses(): { readonly ip4: string; readonly ip6: string } {
    return this.#addressing.subscriber;
  }

  /** The IPv6 prefix that is routed to the subscriber now, 64 bits long. */
  get prefix(): string {
    return this.#addressing.prefix;
  }

  /** What `prefix` would be after a `renumber` now. */
  get comingPrefix(): string {
    return this.#init.comingAddressing().prefix;
  }

  /** As a hotspot that was off and on: other addresses and another prefix, and nothing reaches the old ones any more. */
  async renumber(): Promise<void> {
    const { core, families } = this.#init;
    if (families.ip6) await core.ip(`route del ${this.prefix}/64`);
    await this.#address('del');
    this.#addressing = this.#init.nextAddressing();
    await this.#address('add');
    await this.#route();
  }

  /** Nothing passes. The subscriber is told nothing; who dials the subscriber is told that there is no way. */
  async cut(): Promise<void> {
    await this.#init.core.ip(`link set ${this.port} down`);
  }

  async mend(): Promise<void> {
    await this.#init.core.ip(`link set ${this.port} up`);
    await this.#route();
  }

  async #address(action: 'add' | 'del'): Promise<void> {
    const { core, subscriber, families } = this.#init;
    const { provider, subscriber: own } = this.#addressing;
    const both = async (family: 'ip4' | 'ip6', rest: string): Promise<void> => {
      await core.ip(`addr ${action} ${provider[family]}${rest} dev ${this.port}`);
      await subscriber.ip(`addr ${action} ${own[family]}${rest} dev ${WAN}`);
    };
    if (families.ip4) await both('ip4', '/24');
    if (families.ip6) await both('ip6', '/64');
  }

  /** Routes go with the addresses or the line that they lead over. */
  async #route(): Promise<void> {
    const { core, subscriber, families } = this.#init;
    const { provider, subscriber: own, prefix } = this.#addressing;
    if (families.ip4) await subscriber.ip(`route replace 0.0.0.0/0 via ${provider.ip4} dev ${WAN}`);
    if (families.ip6) {
      await core.ip(`route replace ${prefix}/64 via ${own.ip6} dev ${this.port}`);
      await subscriber.ip(`route replace ::/0 via ${provider.ip6} dev ${WAN}`);
    }
  }
}
