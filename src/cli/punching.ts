import { type Command, Option } from 'commander';
import { collect } from './program.ts';
import { unusable } from '../base/errors.ts';
import type { StunServer } from '../net/index.ts';

/** What the options say of looking for direct ways. */
export interface PunchFlags {
  readonly webrtc?: true;
  readonly stun?: readonly string[];
}

/** Adds `--webrtc` and `--stun`. */
export function withPunching(command: Command): Command {
  return command
    .option(
      '--webrtc',
      'where only a relay leads from one end to the other, look for a direct way through both routers; needs the optional package node-datachannel, and both ends must say so',
    )
    .addOption(
      new Option(
        '--stun <host:port>',
        'with --webrtc: a server that says by which address this computer is seen, which NAT (IPv4) needs; repeatable. There is none unless you name it',
      ).argParser(collect),
    );
}

/**
 * The option for `startNode` and `dialPeer`, empty where nobody is to look. Throws `bad-stun-server`, and `usage` for servers that nobody
 * would ask.
 */
export async function punchFrom({
  webrtc,
  stun = [],
}: PunchFlags): Promise<{ readonly punch?: { readonly stun: readonly StunServer[] } }> {
  if (webrtc !== true) {
    if (stun.length === 0) return {};
    throw unusable('usage', '--stun is of use with --webrtc alone.', {
      hint: 'Add --webrtc, or leave --stun out.',
    });
  }
  // libp2p takes a while to load, and help must not wait for it.
  const { parseStunServers } = await import('../net/index.ts');
  return { punch: { stun: parseStunServers(stun) } };
}

/** Throws where a node is to look for direct ways, and nobody comes to it through a relay. */
export function expectRelay({ webrtc }: PunchFlags, relays: readonly string[]): void {
  if (webrtc !== true || relays.length > 0) return;
  throw unusable('usage', '--webrtc needs a relay, through which both ends find each other.', {
    hint: 'Add --relay with the address of one.',
  });
}
