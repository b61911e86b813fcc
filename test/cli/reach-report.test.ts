import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reachReport, reachedFromOutside } from '#src/cli/admin/reach-report.js';
import type { ReachFinding } from '#src/net/index.js';

const PUBLIC6 = '/ip6/2a00::7/tcp/4000/p2p/A';
const PRIVATE = '/ip4/192.168.1.20/tcp/4000/p2p/A';
const RELAYED = '/ip6/2a00::9/tcp/4002/p2p/R/p2p-circuit/p2p/A';
const finding = (address: string, reached: boolean | null): ReachFinding => ({
  helper: 'R',
  family: address.startsWith('/ip6/') ? 'ip6' : 'ip4',
  address,
  reached,
});

describe('the report on who can reach the organiser', () => {
  it('says so where nobody knows', () => {
    assert.equal(reachedFromOutside([]), null);
    assert.match(reachReport([PUBLIC6], [finding('/ip6/2a00::7/tcp/4000', null)]), /Nobody could say/);
  });

  it('says that voters can, and where', () => {
    const text = reachReport([PUBLIC6], [finding('/ip6/2a00::7/tcp/4000', true)]);
    assert.match(text, /voters can reach this computer, by IPv6\.\n {2}\/ip6\/2a00::7\/tcp\/4000/);
    assert.doesNotMatch(text, /Until then|WARNING/);
  });

  it('says what to do about a firewall, and that there is a relay', () => {
    const text = reachReport([PUBLIC6, RELAYED], [finding('/ip6/2a00::7/tcp/4000', false)]);
    assert.match(text, /^WARNING: VOTERS ELSEWHERE CAN NOT REACH THIS COMPUTER/);
    assert.match(text, /A firewall turns them away.*TCP port 4000/);
    assert.match(text, /Until then they come through the relay/);
  });

  it('says what to do about a router, and that they can’t vote without a relay', () => {
    const text = reachReport([PRIVATE], [finding('/ip4/44.1.1.1/tcp/4000', false)]);
    assert.match(
      text,
      /behind a router \(NAT\), which others see as 44\.1\.1\.1.*forward TCP port 4000.*--upnp/,
    );
    assert.match(text, /start this program with --relay: until then they can't vote/);
  });

  it('is no warning where one kind of network leads here', () => {
    const text = reachReport(
      [PUBLIC6, PRIVATE, RELAYED],
      [finding('/ip6/2a00::7/tcp/4000', true), finding('/ip4/44.1.1.1/tcp/4000', false)],
    );
    assert.match(text, /^Checked from outside: voters can reach this computer, by IPv6\./);
    assert.match(text, /By IPv4 nobody gets here/);
    assert.match(text, /Until then voters who have nothing else come through the relay/);
  });

  it('counts one who got here more than one who did not', () => {
    const text = reachReport(
      [PUBLIC6],
      [finding('/ip6/2a00::7/tcp/4000', false), finding('/ip6/2a00::7/tcp/4000', true)],
    );
    assert.doesNotMatch(text, /nobody gets here/);
  });
});
