import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { Internet } from './support/internet.ts';
import { IP4_ONLY } from './support/line.ts';
import { needsNet } from './support/needs-net.ts';
import { Probe } from './support/probe.ts';
import { STUN_PORT, startStun } from './support/stun.ts';
import { UPNP_PORT, offerUpnp } from './support/upnp.ts';
import { LAN_PREFIX } from './support/addresses.ts';

const PORT = 4000;
const GATEWAY = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:1';

describe('a STUN server of the topologies', () => {
  it('tells a computer behind a NAT by which address it is seen', async (t) => {
    if (!(await needsNet(t, 'turnserver'))) return;
    const internet = await Internet.start(t);
    const server = await internet.host('stun');
    await startStun(t, server);
    const home = await internet.home('home', { nat: 'preserving' });
    const probe = Probe.start(t, await home.host('laptop'));
    const own = await probe.openUdp();
    // A binding request: its type, no attributes, the magic cookie, a transaction's number.
    const request = Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)]);
    await probe.sendUdp(
      own,
      { address: server.line.addresses.ip4, port: STUN_PORT },
      request.toString('latin1'),
    );
    const answer = Buffer.from((await probe.arrival(own, /^/)).text, 'latin1');
    assert.equal(answer.readUInt16BE(0), 0x0101, 'a success');
    // XOR-MAPPED-ADDRESS, of IPv4: port and address are given xor the magic cookie.
    const at = answer.indexOf(Buffer.from('002000080001', 'hex'));
    const port = answer.readUInt16BE(at + 6) ^ 0x2112;
    const address = [0x21, 0x12, 0xa4, 0x42].map((byte, i) => answer.readUInt8(at + 8 + i) ^ byte).join('.');
    assert.deepEqual({ address, port }, { address: home.line.addresses.ip4, port: own });
  });
});

describe('a router of the topologies', () => {
  it('is found by UPnP, and forwards a port that it is asked for', async (t) => {
    if (!(await needsNet(t, 'miniupnpd'))) return;
    const internet = await Internet.start(t);
    const home = await internet.home('home', { families: IP4_ONLY, nat: 'preserving' });
    await offerUpnp(t, home);
    const node = await home.host('laptop');
    const [laptop, outside] = [
      Probe.start(t, node),
      Probe.start(t, (await internet.host('outside', IP4_ONLY)).node),
    ];
    const own = await laptop.openUdp();
    const search = ['M-SEARCH * HTTP/1.1', 'HOST: 239.255.255.250:1900', 'MAN: "ssdp:discover"', 'MX: 1'];
    const request = [...search, `ST: ${GATEWAY}`, '', ''].join('\r\n');
    await laptop.sendUdp(own, { address: '239.255.255.250', port: 1900 }, request);
    const { text } = await laptop.arrival(own, /^HTTP\/1\.1 200 OK/);
    assert.ok(text.includes(`LOCATION: http://${LAN_PREFIX}1:${UPNP_PORT}/rootDesc.xml`), text);

    await laptop.listenTcp(PORT);
    const mapped = { address: home.line.addresses.ip4, port: PORT };
    const values = {
      NewRemoteHost: '',
      NewExternalPort: PORT,
      NewProtocol: 'TCP',
      NewInternalPort: PORT,
      NewInternalClient: home.privateAddressOf(node),
      NewEnabled: 1,
      NewPortMappingDescription: 'test',
      NewLeaseDuration: 60,
    };
    const fields = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`);
    const envelope =
      '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
      `<s:Body><u:AddPortMapping xmlns:u="${SERVICE}">${fields.join('')}</u:AddPortMapping></s:Body></s:Envelope>`;
    const call = {
      method: 'POST',
      headers: { soapaction: `"${SERVICE}#AddPortMapping"`, 'content-type': 'text/xml' },
      body: envelope,
    };
    const code = `const answer = await fetch('http://${LAN_PREFIX}1:${UPNP_PORT}/ctl/IPConn', ${JSON.stringify(call)}); console.log(answer.status);`;
    const status = await node.exec([process.execPath, '--input-type=module', '--eval', code]);
    assert.equal(status.trim(), '200');
    await outside.connectTcp(mapped);
    await laptop.arrival(PORT);
  });
});
