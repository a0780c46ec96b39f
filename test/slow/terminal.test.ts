// A real terminal (by Python's pty): closed at any moment, and of no size.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BIN, environment } from '../support/cli.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'terminal-'));
  mkdirSync(join(folder, 'raw'));
  mkdirSync(join(folder, 'a'));
  writeFileSync(
    join(folder, 'dflow.yaml'),
    "buffer: {path: ./raw, pattern: 'run{run:3}.dat'}\nstorage: {a: ./a}\nexperiment: here\n",
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PTY = `
import fcntl, json, os, struct, subprocess, sys, termios, time
how, words = sys.argv[1], sys.argv[2:]
def begin():
    master, slave = os.openpty()
    columns = 0 if how == 'size' else 200
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 0 if how == 'size' else 50, columns, 0, 0))
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if how == 'hup' else None)
    os.close(slave)
    return master, process
if how == 'size':
    master, process = begin()
    out = b''
    try:
        while True:
            data = os.read(master, 4096)
            if not data: break
            out += data
    except OSError: pass
    process.wait()
    print(json.dumps(out.decode()))
else:
    codes = []
    for delay in json.loads(os.environ['DELAYS']):
        master, process = begin()
        if delay < 0: os.read(master, 1)
        else:
            mark = os.environ['MARK'] + str(process.pid)
            while not os.path.exists(mark) and process.poll() is None: time.sleep(0.005)
            time.sleep(delay)
        os.close(master)
        codes.append(process.wait(30))
    print(json.dumps(codes))
`;

/** Says that the program listens for its own end. A terminal that is closed before makes Node itself abort. */
const LISTENS = `
const timer = setInterval(() => {
  if (process.listenerCount('exit') === 0) return;
  clearInterval(timer);
  require('node:fs').writeFileSync(process.env.MARK + process.pid, '');
}, 1);
timer.unref();
`;

function onTerminal(how: string, words: readonly string[], delays: readonly number[] = []): unknown {
  const preload = join(folder, 'listens.cjs');
  writeFileSync(preload, LISTENS);
  const env = environment({ DELAYS: JSON.stringify(delays), MARK: join(folder, 'listens-') });
  const started = [process.execPath, '--require', preload, BIN, ...words];
  const text = execFileSync('python3', ['-c', PTY, how, ...started], { cwd: folder, env });
  return JSON.parse(text.toString());
}

test('a terminal of no columns is as wide as terminals were', () => {
  onTerminal('size', ['store', 'setup']);
  expect(onTerminal('size', ['list', 'storage'])).toMatch(/REF[\s\S]*posix/);
  expect(onTerminal('size', ['status'])).toMatch(/here/);
});

test('a terminal that is closed ends the program cleanly', () => {
  // -1: after its first byte of output.
  expect(onTerminal('close', ['status', '--watch', '1s'], [-1, -1])).toEqual([0, 0]);
  const codes = onTerminal('close', ['list', 'storage'], [0, 0.05, 0.2, 0.4, -1]) as number[];
  // 1: what was to be printed has no place to go. A signal is negative, 13 is an await that never ends.
  expect(codes.filter((code) => code !== 0 && code !== 1)).toEqual([]);
  expect(onTerminal('hup', ['status', '--watch', '1s'], [-1, -1])).toEqual([129, 129]);
});
