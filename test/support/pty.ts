// A program on a real terminal, by Python's pty: what it writes there, how it ends, and whether the terminal is left as it
// was found.
import { spawn } from 'node:child_process';
import { environment } from './cli.ts';

const PTY = `
import fcntl, json, os, re, select, signal, struct, sys, termios, time
said = json.loads(sys.argv[1])
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', said['rows'], said['columns'], 0, 0))
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2): os.dup2(slave, fd)
    if said.get('stdout'): os.dup2(os.open(said['stdout'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
    os.execvp(said['words'][0], said['words'])
out, todo, code = b'', said['acts'], None
def take(wait):
    global out
    if not select.select([master], [], [], wait)[0]: return False
    out += os.read(master, 65536)
    return True
end = time.time() + said['patience']
while time.time() < end:
    take(0.02)
    if todo and re.search(todo[0][0], out.decode(errors='replace'), re.S):
        act = todo.pop(0)[1]
        if act.startswith('SIG'): os.kill(pid, getattr(signal, act))
        else: os.write(master, act.encode())
    if code is None:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done: code = os.waitstatus_to_exitcode(status)
    if code is not None and not take(0.05): break
if code is None: os.kill(pid, signal.SIGKILL)
print(json.dumps({'out': out.decode(errors='replace'), 'code': code, 'same': termios.tcgetattr(slave) == before, 'left': len(todo)}))
`;

export interface OnTerminal {
  readonly cwd: string;
  /** In order: once the output matches the first, the second is typed, or sent where it is the name of a signal. */
  readonly acts?: readonly (readonly [seen: string, act: string])[];
  readonly columns?: number;
  readonly rows?: number;
  /** File that standard output goes to. */
  readonly stdout?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Seen {
  readonly out: string;
  /** `null`: it had to be killed. */
  readonly code: number | null;
  /** The terminal's modes are what they were. */
  readonly same: boolean;
  /** Acts that nothing was seen for. */
  readonly left: number;
}

export async function onTerminal(words: readonly string[], options: OnTerminal): Promise<Seen> {
  const { cwd, acts = [], columns = 80, rows = 24, stdout, env = {} } = options;
  const said = JSON.stringify({ words, acts, columns, rows, stdout, patience: 100 });
  const child = spawn('python3', ['-c', PTY, said], {
    cwd,
    env: environment({ LANG: 'C.UTF-8', TERM: 'xterm', ...env }),
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  await new Promise((resolve) => child.on('close', resolve));
  if (err !== '') throw new Error(err);
  return JSON.parse(out);
}
