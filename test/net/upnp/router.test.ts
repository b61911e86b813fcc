import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, describe, it } from 'node:test';
import { locationIn } from '#src/net/upnp/discover.js';
import { Router, RouterRefusal } from '#src/net/upnp/router.js';
import { cleanUp } from '../../support/cleanup.ts';

const never = new AbortController().signal;
const description = (control: string, type = 'WANIPConnection:1') =>
  `<root><device><serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/l3</controlURL></service>` +
  `<service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType><controlURL>${control}</controlURL></service></serviceList></device></root>`;
const fault = (code: number, text: string) =>
  `<s:Envelope><s:Body><s:Fault><detail><UPnPError><errorCode>${code}</errorCode><errorDescription>${text}</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>`;

interface Answer {
  readonly status?: number;
  readonly body: string;
}

/** A router as far as HTTP goes, on ::1. Resolves to where it describes itself; `asked` has what it was told to do. */
async function routerThat(t: TestContext, describes: string, does: (body: string) => Answer) {
  const asked: { readonly action: string; readonly body: string }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      if (request.method === 'POST') asked.push({ action: String(request.headers['soapaction']), body });
      const answer = request.method === 'POST' ? does(body) : { body: describes };
      response.statusCode = answer.status ?? 200;
      response.end(answer.body);
    })();
  }).listen(0, '::1');
  await once(server, 'listening');
  cleanUp(t, async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: new URL(`http://[::1]:${(server.address() as AddressInfo).port}/root.xml`), asked };
}

const refuses = (pattern: RegExp, code?: number) => (error: unknown) => {
  assert.ok(error instanceof RouterRefusal);
  assert.match(error.message, pattern);
  assert.equal(error.code, code);
  return true;
};

describe('a router', () => {
  it('is asked for its address, and to forward a port', async (t) => {
    const { url, asked } = await routerThat(t, description('/control'), () => ({
      body: '<a:X><NewExternalIPAddress>203.0.114.7</NewExternalIPAddress></a:X>',
    }));
    const router = await Router.at(url, never);
    assert.equal(await router.externalAddress(never), '203.0.114.7');
    await router.forward({ from: 4001, to: '192.168.1.20', port: 4000 }, 3600, never);
    await router.release(4001, never);
    assert.deepEqual(
      asked.map(({ action }) => action.slice(action.indexOf('#') + 1, -1)),
      ['GetExternalIPAddress', 'AddPortMapping', 'DeletePortMapping'],
    );
    assert.match(
      asked[1]?.body ?? '',
      /<NewExternalPort>4001<.*<NewProtocol>TCP<.*<NewInternalPort>4000<.*<NewInternalClient>192\.168\.1\.20</,
    );
  });

  for (const { code, text, says } of [
    { code: 718, text: 'ConflictInMappingEntry', says: /error 718, ConflictInMappingEntry/ },
    { code: 606, text: 'Action not authorized', says: /set not to let programs forward ports/ },
    { code: 501, text: '', says: /error 501/ },
  ]) {
    it(`that refuses with ${code} is told of`, async (t) => {
      const { url } = await routerThat(t, description('/control'), () => ({
        status: 500,
        body: fault(code, text),
      }));
      const router = await Router.at(url, never);
      await assert.rejects(router.externalAddress(never), refuses(says, code));
    });
  }

  it('that answers with anything else is told of', async (t) => {
    const { url } = await routerThat(t, description('/control'), () => ({ status: 403, body: 'Forbidden' }));
    const router = await Router.at(url, never);
    await assert.rejects(router.externalAddress(never), refuses(/does not say why/));
  });

  for (const [what, text] of [
    ['forwards no ports', '<root></root>'],
    ['has its service on another computer', description('http://203.0.114.9/control')],
    ['has a service of another kind', description('/control', 'WANEthernetLinkConfig:1')],
  ] as const) {
    it(`that ${what} is left alone`, async (t) => {
      const { url, asked } = await routerThat(t, text, () => ({ body: '' }));
      await assert.rejects(Router.at(url, never), refuses(/forwards no ports/));
      assert.deepEqual(asked, []);
    });
  }

  it('that does not come to an end is cut short', async (t) => {
    const { url } = await routerThat(t, ' '.repeat(200_000), () => ({ body: '' }));
    await assert.rejects(Router.at(url, never), refuses(/too long/));
  });

  for (const [what, text] of [
    ['all of spaces in one element', `<service><serviceType>${' '.repeat(20_000)}x<y></service>`],
    ['all of beginnings', '<service>'.repeat(14_000)],
    ['all of beginnings of elements', `<service>${'<serviceType>'.repeat(9_000)}</service>`],
    ['all of one long name', `<service><${'a'.repeat(100_000)}</service>`],
  ] as const) {
    it(`that answers ${what} holds nothing up`, async (t) => {
      const { url } = await routerThat(t, text, () => ({ status: 500, body: text }));
      const found = Router.at(url, never);
      const before = performance.eventLoopUtilization();
      await assert.rejects(found, refuses(/forwards no ports/));
      // Milliseconds that were taken from voters: some ten are needed; patterns that try all ways to match take minutes.
      assert.ok(performance.eventLoopUtilization(before).active < 10_000);
    });
  }

  it('that is not there is told of', async () => {
    await assert.rejects(Router.at(new URL('http://[::1]:1/'), never), refuses(/does not answer/));
  });
});

describe('an answer to the search for routers', () => {
  const answer = (location: string, status = '200 OK') =>
    `HTTP/1.1 ${status}\r\nST: x\r\nLocation: ${location}\r\n\r\n`;

  it('names the description where it came from', () => {
    assert.equal(locationIn(answer('http://192.168.1.1:5000/root.xml'), '192.168.1.1')?.port, '5000');
  });

  for (const [what, text] of [
    ['that names another computer', answer('http://192.168.1.9:5000/root.xml')],
    ['that names another protocol', answer('https://192.168.1.1/')],
    ['that names a file', answer('file:///etc/passwd')],
    ['without a name', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['that is a search', 'M-SEARCH * HTTP/1.1\r\nLocation: http://192.168.1.1/\r\n\r\n'],
    ['that says no', answer('http://192.168.1.1/', '404 Not Found')],
    ['with a name and more', answer('http://192.168.1.1@203.0.114.9/')],
  ] as const) {
    it(`${what} is none`, () => {
      assert.equal(locationIn(text, '192.168.1.1'), undefined);
    });
  }
});
