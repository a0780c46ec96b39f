// Protocols by command-line tools: their pure parts, on what the real tools printed.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { meaningOf as gfalMeaning } from '../../src/lib/protocols/gfal/meaning.ts';
import { Address, decodeName, encodeName } from '../../src/lib/protocols/tools/address.ts';
import { run } from '../../src/lib/protocols/tools/process.ts';
import { failureOf, meaningOf, parseChecksum, parseLine, parseStat } from '../../src/lib/protocols/xrootd/meaning.ts';
import { withoutSecrets } from '../../src/lib/util/text/secrets.ts';

describe('names on servers', () => {
  test('every name has one writing, which reads back', () => {
    const part = fc.constantFrom('%', '?', '25', '3F', '0A', '\n', '\u0001', 'a', ' ', '#', 'é');
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const name = parts.join('');
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
        expect(encodeName(name)).not.toMatch(/[\x00-\x1f?]/);
        expect(decodeName(encodeName(name))).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });

  test('names on a disk, too: what is listed can be asked for', () => {
    const part = fc.constantFrom('%', '25', '3F', '0A', 'a', ' ', '#');
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const name = parts.join('');
        expect(encodeName(decodeName(name))).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });

  test('ordinary ones are written as they are', () => {
    for (const name of ['SNOP_0000109134_002.zdab', 'a b', '100%41', '50%', 'x%25y'])
      expect(encodeName(name)).toBe(name);
  });
});

describe('addresses', () => {
  const address = new Address('sfu', 'root://bob:pw@se.sfu.ca:1094//store/sno/?authz=Bearer%20secret', ['root']);
  test('are taken apart, and shown without secrets', () => {
    expect(address.folder).toBe('/store/sno');
    expect(address.inside('L1/a b')).toBe('/store/sno/L1/a b');
    expect(address.below('/store/sno/L1/a b')).toBe('L1/a b');
    expect(address.shownUrl('L1/a b#c?d%.dat')).toBe('root://se.sfu.ca:1094//store/sno/L1/a%20b%23c%3Fd%25.dat');
    expect(address.clean('cannot open root://bob:pw@se.sfu.ca:1094//x?authz=Bearer%20secret now')).toBe(
      'cannot open root://se.sfu.ca:1094//x?*** now',
    );
    expect(withoutSecrets('GET https://u:p@h/x?access_token=abc Authorization: Bearer abc')).not.toMatch(/abc|u:p/);
  });
  test.each(['/x', 'http://h/x', 'root://', 'root://h/../x'])('%s is refused', (url) => {
    expect(() => new Address('sfu', url, ['root'])).toThrow(/storage\.sfu/);
  });
});

describe('what the tools mean', () => {
  test.each([
    [
      '[ERROR] Server responded with an error: [3011] Unable to locate /n/none; no such file or directory',
      54,
      'missing',
    ],
    ['[ERROR] Server responded with an error: [3005] Unable to locate /n/f/z; not a directory', 54, 'missing'],
    ['[ERROR] Server responded with an error: [3010] Unable to mkdir /o/q; permission denied', 54, 'denied'],
    ['Run: [ERROR] Server responded with an error: [3009] Unable to write; no space left on device', 54, 'full'],
    ['[ERROR] Server responded with an error: [3012] Checksum query failed', 54, 'busy'],
    ['Run: [ERROR] CheckSum error', 53, 'corrupt'],
    ['[FATAL] Connection error', 51, 'down'],
    ['[FATAL] Invalid address', 51, 'down'],
    ['[FATAL] Auth failed: No protocols left to try', 52, 'credentials'],
    ['[ERROR] Operation expired', 52, 'down'],
    ['', 53, 'corrupt'],
    ['what is this', 1, 'failed'],
  ])('xrootd: %s (%i) is %s', (text, exit, meaning) => {
    expect(meaningOf(text, exit)).toBe(meaning);
  });

  test.each([
    [2, 'Result HTTP 404 : File not found  after 1 attempts', 'missing'],
    [5, 'DESTINATION CHECKSUM MISMATCH User-defined and destination adler32 do not match (1 != 2)', 'corrupt'],
    [84, 'Error on XrdCl::CopyProcess::Run(): [ERROR] CheckSum error', 'corrupt'],
    [112, 'Result Could not connect to server after 1 attempts', 'down'],
    [112, 'HTTP 400 : Server Error  with url http://h/x', 'failed'],
    [113, 'Result Domain name resolution failed after 1 attempts', 'down'],
    [111, 'Failed to stat file (Connection refused)', 'down'],
    [1, 'HTTP 401 : Authentication Error', 'credentials'],
    [1, 'HTTP 403 : Permission refused', 'denied'],
    [28, 'No space left on device', 'full'],
    [5, 'HTTP 507 : Insufficient Storage', 'full'],
  ])('gfal: %i %s is %s', (code, text, meaning) => {
    expect(gfalMeaning(code, text)).toBe(meaning);
  });

  test('what xrdfs prints', () => {
    const stat =
      'Path:   /n\nId:     3\nSize:   4096\nMTime:  2026-11-22 15:43:52\nFlags:  51 (XBitSet|IsDir|IsReadable)\n';
    expect(parseStat(stat)).toEqual({ size: 4096, modified: '2026-11-22T15:43:52.000Z', folder: true });
    expect(parseStat('nothing')).toBeUndefined();
    expect(parseChecksum('adler32 790079\n', 'adler32')).toBe('00790079');
    expect(parseLine('-rw-r--r-- xrootd xrootd    102400 2026-11-22 15:36:45 /o/s/y z')).toEqual({
      size: 102400,
      modified: '2026-11-22T15:36:45.000Z',
      path: '/o/s/y z',
    });
    expect(parseLine('drwxr-xr-x xrootd xrootd 4096 2026-11-22 15:36:45 /o/s')).toBeUndefined();
  });
});

describe('programs', () => {
  test('one that is late is killed with all that it started', async () => {
    const ran = await run('/bin/sh', ['-c', 'sleep 100 & sleep 100'], { env: {}, timeout: 50 });
    expect(ran.timedOut).toBe(true);
    expect(failureOf(ran, String, 'sh')?.meaning).toBe('down');
  });
  test('one that is not installed is named', async () => {
    const ran = await run('no-such-tool', [], { env: {}, timeout: 5000 });
    expect(failureOf(ran, String, 'no-such-tool')?.words).toMatch(/no-such-tool is not installed/);
  });
  test('one that is aborted throws the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = run('/bin/sh', ['-c', 'sleep 100'], { env: {}, timeout: 60_000, signal: controller.signal });
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });
});
