// One tmux session of this host: its windows, by the commands of tmux. Knows nothing of loops.
import { ConfigError, UnreachableError } from '../../../util/errors.ts';
import type { ExecResult } from '../../../util/processes/exec.ts';
import { SECOND } from '../../../util/time.ts';
import type { Machine } from '../../ports.ts';

/** A window of the session, and the process in it. */
export interface Window {
  readonly name: string;
  readonly pid: number;
  /** The process has ended, and tmux keeps the window. */
  readonly dead: boolean;
}

export interface NewWindow {
  readonly name: string;
  readonly folder: string;
  readonly command: readonly string[];
}

/** What tmux says when there is no server, or no such session. */
const NONE =
  /no server running|can't find (session|window)|session not found|error connecting to .*(No such file|refused)|server exited|lost server/i;

/** Separates fields: no name of a window has it. */
const FIELDS = '#{window_name}\t#{pane_pid}\t#{pane_dead}\t#{@dflow_folder}';

export class Tmux {
  constructor(
    private readonly processes: Machine['processes'],
    readonly session: string,
    /** Of the experiment: two of the same name do not share a session. */
    private readonly folder: string,
  ) {}

  /** All windows; none when the session does not exist. @throws ConfigError tmux is missing, UnreachableError it fails */
  async windows(): Promise<Window[]> {
    const said = await this.call(['list-panes', '-s', '-t', this.exact(), '-F', FIELDS]);
    if (said.failure !== undefined) {
      if (NONE.test(said.stderr)) return [];
      throw failed(said);
    }
    return said.stdout.split('\n').flatMap((line) => {
      const [name, pid, dead, folder] = line.split('\t');
      if (folder && folder !== this.folder) throw foreign(this.session, folder);
      return name === undefined || pid === undefined ? [] : [{ name, pid: Number(pid), dead: dead === '1' }];
    });
  }

  /** Opens windows, the session first if it does not exist. */
  async open(windows: readonly NewWindow[]): Promise<void> {
    for (const { name, folder, command } of windows) {
      const more = ['-d', '-n', name, '-c', folder, ...command];
      const added = await this.call(['new-window', '-t', `${this.exact()}:`, ...more]);
      if (added.failure === undefined) continue;
      if (!NONE.test(added.stderr)) throw failed(added);
      const made = await this.call(['new-session', '-s', this.session, '-x', '160', '-y', '50', ...more]);
      if (made.failure !== undefined) throw failed(made);
      await this.call(['set-option', '-t', `${this.exact()}:`, '@dflow_folder', this.folder]);
    }
    // A window keeps the name of its loop, whatever runs in it.
    for (const { name } of windows) {
      const set = ['set-option', '-w', '-t', `${this.exact()}:=${name}`];
      await this.call([...set, 'automatic-rename', 'off', ';', ...set, 'allow-rename', 'off']);
    }
  }

  async close(name: string): Promise<void> {
    await this.call(['kill-window', '-t', `${this.exact()}:=${name}`]);
  }

  /** Sends a signal to a window's process and to what it runs in the foreground. */
  async signal({ pid }: Window, signal: 'TERM' | 'KILL'): Promise<void> {
    // `kill -TERM -- -1` is refused by dash.
    await this.processes.shell(`kill -s ${signal} -- "-$1"`, [String(pid)], { timeout: 10 * SECOND });
  }

  /** `=`: the session of exactly this name. */
  private exact(): string {
    return `=${this.session}`;
  }

  private async call(args: readonly string[]): Promise<ExecResult> {
    const said = await this.processes.shell('exec tmux "$@"', args, { timeout: 20 * SECOND });
    if (said.exit === 127)
      throw new ConfigError('tmux is not installed on this host', {
        hint: 'apt-get install tmux; without tmux: dflow screens cron',
      });
    return said;
  }
}

function failed({ stderr, failure }: ExecResult): UnreachableError {
  return new UnreachableError(`tmux: ${stderr.trim() || failure}`, { hint: 'tmux -V, then tmux ls' });
}

function foreign(session: string, folder: string): ConfigError {
  return new ConfigError(`the tmux session '${session}' holds the loops of another experiment`, {
    where: folder,
    hint: `experiment: ANOTHER_NAME in the configuration of one of the two; or there: dflow screens stop`,
  });
}

/** A name of a session: tmux takes `.` and `:` for parts of a target. */
export function sessionName(experiment: string): string {
  return `dflow-${experiment.replace(/[.:]/g, '-')}`;
}
