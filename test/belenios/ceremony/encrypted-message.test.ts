import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { group } from '#src/crypto/group/group.js';
import {
  encryptText,
  openEncrypted,
  readEncrypted,
  sharedPoint,
} from '#src/belenios/v1/ceremony/encrypted-message.js';
import { encryptedMessageText } from '#src/belenios/v1/encoding/ceremony.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { errorOf, valueOf } from '../../support/results.js';
import { random } from './ceremony.js';

const decryption = group.randomScalar(random);
const recipient = group.multiplyBase(decryption);

function open(text: string, key = decryption): string | undefined {
  const message = valueOf(readEncrypted(text));
  return openEncrypted(sharedPoint(key, message), message);
}

/** What Belenios from 3.1 on sends: GCM with the whole hash as nonce, the algorithm named before everything else. */
function gcm(plaintext: Uint8Array): string {
  const [r, s] = [group.randomScalar(random), group.randomScalar(random)];
  const [alpha, seal] = [group.multiplyBase(r), group.multiplyBase(s)];
  const sha256 = (text: string) => createHash('sha256').update(text).digest();
  const cipher = createCipheriv(
    'aes-256-gcm',
    sha256(`key|${pointText(seal)}`),
    sha256(`iv|${pointText(alpha)}`),
  );
  const data = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  const beta = pointText(group.add(group.multiply(r, recipient), seal));
  return JSON.stringify({ algorithm: 'AES-GCM', alpha: pointText(alpha), beta, data: data.toString('hex') });
}

describe('encrypted messages', () => {
  it('open to what was encrypted, for the recipient alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const encrypted = encryptText(recipient, text, random);
        assert.equal(open(encrypted), text);
        assert.equal(open(encrypted, group.randomScalar(random)), undefined);
      }),
      { numRuns: 20 },
    );
  });

  it('are written without an algorithm, and read with AES-CCM and AES-GCM as well', () => {
    const encrypted = encryptText(recipient, 'text', random);
    assert.match(encrypted, /^\{"alpha":"[0-9a-f]{64}","beta":"[0-9a-f]{64}","data":"[0-9a-f]{24}"\}$/);
    assert.equal(open(encrypted.replace('{', '{"algorithm":"AES-CCM",')), 'text');
    assert.equal(open(encrypted.replace('{', '{"algorithm":"AES-GCM",')), undefined);
    const modern = gcm(new TextEncoder().encode('text'));
    assert.equal(open(modern), 'text');
    assert.equal(open(modern.replace('"algorithm":"AES-GCM",', '')), undefined);
    assert.equal(open(modern.replace(/"data":"./, '"data":"').replace('"}', '0"}')), undefined);
    const problem = errorOf(readEncrypted(encrypted.replace('{', '{"algorithm":"ROT13",')));
    assert.deepEqual([problem.kind, problem.path], ['unsupported', 'algorithm']);
  });

  it('that hold no text are not opened', () => {
    assert.equal(open(gcm(Uint8Array.of(0xff, 0xfe))), undefined);
  });

  it('can be read only with points of the group and data in hexadecimal', () => {
    const message = valueOf(encryptedMessageText.decode(encryptText(recipient, 'text', random)));
    for (const data of ['0', 'xx', 'AA'])
      assert.equal(errorOf(readEncrypted(encryptedMessageText.encode({ ...message, data }))).path, 'data');
    const text = encryptedMessageText.encode(message);
    assert.equal(errorOf(readEncrypted(text.replace(/"beta":"../, '"beta":"zz'))).path, 'beta');
  });
});
