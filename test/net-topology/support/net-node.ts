import { type TestContext } from 'node:test';
import { cleanUp } from '../../support/cleanup.ts';
import { type Options, type Program, type Running, start } from '../../support/processes.ts';
import { makeNamespace, removeNamespace } from './namespaces.ts';
import { tool } from './tools.ts';

/** Kernel settings, apart from addresses, that every computer here has; some systems' defaults differ. */
const OFF = [
  'ipv6/conf/all/disable_ipv6',
  'ipv6/conf/default/disable_ipv6',
  // Nobody else can have an address here, so that there is nothing to wait for.
  'ipv6/conf/all/accept_dad',
  'ipv6/conf/default/accept_dad',
  'ipv6/conf/default/accept_ra',
  'ipv4/conf/all/rp_filter',
  'ipv4/conf/default/rp_filter',
];
const FORWARDING = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'];

/** A computer with a network of its own: a host or a router. Goes with the test, and what runs on it too. */
export class NetNode {
  readonly namespace: string;
  readonly label: string;
  readonly #t: TestContext;

  private constructor(t: TestContext, namespace: string, label: string) {
    this.#t = t;
    this.namespace = namespace;
    this.label = label;
  }

  static async create(t: TestContext, label: string, kind: 'host' | 'router' = 'host'): Promise<NetNode> {
    const namespace = await makeNamespace(label);
    cleanUp(t, () => removeNamespace(namespace));
    const node = new NetNode(t, namespace, label);
    await node.#set(OFF, '0');
    if (kind === 'router') await node.#set(FORWARDING, '1');
    await node.ip('link set lo up');
    return node;
  }

  /** Carries out commands of `ip`, one after another; the first that fails rejects. */
  async ip(...commands: readonly string[]): Promise<string> {
    return tool('ip', ['-n', this.namespace, '-batch', '-'], commands.join('\n'));
  }

  /** Loads rules of nftables, in addition to what is there. */
  async nft(rules: string): Promise<void> {
    await this.exec(['nft', '-f', '-'], rules);
  }

  /** Runs a tool of the system here; resolves to what it printed. */
  async exec(argv: readonly string[], input = ''): Promise<string> {
    return tool('ip', ['netns', 'exec', this.namespace, ...argv], input);
  }

  /** Starts one of the programs here, with its output captured. */
  start(program: Program, args: readonly string[], options: Options = {}): Running {
    const running = start(program, args, { ...options, under: this.under });
    cleanUp(this.#t, () => running.kill('SIGKILL'));
    return running;
  }

  /** What a program is started under to run here. `ip` becomes the program, so that its process id is the program's. */
  get under(): readonly [command: string, ...args: string[]] {
    return ['ip', 'netns', 'exec', this.namespace];
  }

  async #set(settings: readonly string[], value: string): Promise<void> {
    await this.exec(['tee', ...settings.map((path) => `/proc/sys/net/${path}`)], value);
  }
}

/** Lays a cable between two computers, both ends switched on. */
export async function cable(
  a: { readonly node: NetNode; readonly port: string },
  b: { readonly node: NetNode; readonly port: string },
): Promise<void> {
  await a.node.ip(`link add ${a.port} type veth peer name ${b.port} netns ${b.node.namespace}`);
  await a.node.ip(`link set ${a.port} up`);
  await b.node.ip(`link set ${b.port} up`);
}
