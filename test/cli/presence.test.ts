// What is at paths of a server, asked for many at once: when a folder is listed, when each path is asked for by itself.
import { describe, expect, test } from 'vitest';
import { RemoteFailure } from '../../src/lib/protocols/tools/meaning.ts';
import { Presence } from '../../src/lib/protocols/xrootd/presence.ts';

/** A server with these files; `refuses` lists nothing. Remembers what it was asked. */
function server(files: readonly string[], refuses?: RemoteFailure['meaning']) {
  const asked: string[] = [];
  const ask = async ([command = '']: readonly string[], [path = '']: readonly string[]): Promise<string> => {
    asked.push(`${command} ${path}`);
    if (command === 'stat') {
      // As it is asked: what is missing is no error.
      return files.includes(path) ? 'Size: 1\n' : '';
    }
    if (refuses) throw new RemoteFailure(refuses, 'no');
    // As a session answers: first what it was asked.
    return [`ls "${path}"`, ...files.filter((file) => file.startsWith(path)), ''].join('\n');
  };
  return { asked, presence: new Presence({ ask }) };
}

const paths = (count: number): string[] => Array.from({ length: count }, (_, index) => `/d/f${index}`);
const all = async (presence: Presence, wanted: readonly string[]): Promise<readonly boolean[]> =>
  (await presence.look(wanted.map((serverPath) => ({ serverPath })))).map((one) => {
    if (one instanceof Error) throw one;
    return one;
  });

describe('presence', () => {
  test('many of one folder cost one listing', async () => {
    const { asked, presence } = server(['/d/f3', '/d/f7', '/d/other']);
    const there = await all(presence, paths(20));
    expect(there.flatMap((is, index) => (is ? [index] : []))).toEqual([3, 7]);
    expect(asked).toEqual(['ls /d']);
  });

  test('a listing without what is there for certain is not believed', async () => {
    const { asked, presence } = server(['/d/f3', '/d/.part']);
    const look = (written: string) => presence.look(paths(20).map((serverPath) => ({ serverPath, written })));
    expect((await look('/d/.part')).filter((is) => is === true)).toHaveLength(1);
    expect(asked).toEqual(['ls /d']);
    expect((await look('/d/.elsewhere')).filter((is) => is === true)).toHaveLength(1);
    expect(asked).toHaveLength(2 + 20);
  });

  test('few are asked for one by one', async () => {
    const { asked, presence } = server(['/d/f1']);
    expect(await all(presence, paths(2))).toEqual([false, true]);
    expect(asked).toEqual(['stat /d/f0', 'stat /d/f1']);
  });

  test('a folder with far more than is asked for is listed once, not again', async () => {
    const { asked, presence } = server(paths(5000));
    expect(await all(presence, paths(20))).not.toContain(false);
    expect(await all(presence, paths(20))).not.toContain(false);
    expect(asked.filter((one) => one.startsWith('ls'))).toHaveLength(1);
    expect(asked).toHaveLength(21);
  });

  test.each(['missing', 'denied', 'unable'] as const)('a folder whose listing is %s', async (meaning) => {
    const { asked, presence } = server([], meaning);
    expect(await all(presence, paths(20))).not.toContain(true);
    expect(asked).toHaveLength(meaning === 'missing' ? 1 : 21);
  });

  test('a server that is down is nobody´s missing file', async () => {
    const { presence } = server([], 'down');
    await expect(all(presence, paths(20))).rejects.toThrow(RemoteFailure);
  });
});
