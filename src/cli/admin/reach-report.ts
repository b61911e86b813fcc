import type { ReachFinding } from '../../net/index.ts';

type Family = ReachFinding['family'];
const NAMES: Readonly<Record<Family, string>> = { ip6: 'IPv6', ip4: 'IPv4' };

/** Whether voters elsewhere can reach this computer itself; null where nobody could say. */
export function reachedFromOutside(findings: readonly ReachFinding[]): boolean | null {
  const said = findings.filter(({ reached }) => reached !== null);
  return said.length === 0 ? null : said.some(({ reached }) => reached);
}

/**
 * What others found who were asked to dial this computer, and what to do about it, in an organiser's words. `addresses` are those that
 * the node has.
 */
export function reachReport(addresses: readonly string[], findings: readonly ReachFinding[]): string {
  const reached = reachedFromOutside(findings);
  if (reached === null)
    return 'Nobody could say whether voters elsewhere can reach this computer: try it once from a phone that is not in this network.';
  const families: readonly Family[] = ['ip6', 'ip4'];
  const good = families.flatMap(
    (family) => findings.find((one) => one.family === family && one.reached === true) ?? [],
  );
  const bad = families.flatMap((family) =>
    good.some((one) => one.family === family)
      ? []
      : (findings.find((one) => one.family === family && one.reached === false) ?? []),
  );
  const lines = [
    ...(good.length === 0
      ? ['WARNING: VOTERS ELSEWHERE CAN NOT REACH THIS COMPUTER.']
      : [
          `Checked from outside: voters can reach this computer, by ${good.map(({ family }) => NAMES[family]).join(' and ')}.`,
        ]),
    ...good.map(({ address, helper }) => `  ${address} (dialled by ${helper})`),
    ...bad.flatMap((finding) => adviceFor(addresses, finding)),
  ];
  if (bad.length > 0) lines.push(untilThen(addresses, good));
  return lines.join('\n');
}

function adviceFor(addresses: readonly string[], { family, address, helper }: ReachFinding): string[] {
  const [, ip = '', port = ''] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)$/.exec(address) ?? [];
  const own = addresses.some((one) => one.startsWith(`/${family}/${ip}/`) && !one.includes('/p2p-circuit'));
  const tried = `By ${NAMES[family]} nobody gets here: ${helper} dialled ${address}, and there was no answer.`;
  if (own) {
    return [
      tried,
      ' - A firewall turns them away, in the router or on this computer. Let TCP port ' +
        `${port} in, to this computer: routers call it "${family === 'ip6' ? 'IPv6 firewall" or "pinhole' : 'firewall" or "open port'}".`,
    ];
  }
  return [
    tried,
    ` - This computer is behind a router (NAT), which others see as ${ip}. Have the router forward TCP port ${port} to this computer` +
      `${family === 'ip4' ? ', or start this program with --upnp, which asks the router to' : ''}.`,
  ];
}

function untilThen(addresses: readonly string[], good: readonly ReachFinding[]): string {
  const relayed = addresses.filter((address) => address.includes('/p2p-circuit'));
  const who = good.length > 0 ? 'voters who have nothing else' : 'they';
  return relayed.length > 0
    ? ` - Until then ${who} come through the relay: it must go on running.`
    : ` - Or have somebody with a public address run a relay ("node dist/relay.js"), and start this program with --relay: until then ${who} can't vote.`;
}
