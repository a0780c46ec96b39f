import { Flags } from '@oclif/core';
import { sinceOf } from '../lib/cli/arguments/selection.ts';
import { durationOf } from '../lib/cli/arguments/until.ts';
import { Base } from '../lib/cli/base.ts';
import { type OpenPorts, openPorts } from '../lib/cli/ports.ts';
import { noSuchError } from '../lib/domain/named.ts';
import type { Ports } from '../lib/flow/ports.ts';
import { handover } from '../lib/flow/reports/handover/handover.ts';
import type { ProgressRow } from '../lib/flow/reports/look/requestrows.ts';
import type { StatusPage } from '../lib/flow/reports/status/page.ts';
import { status } from '../lib/flow/reports/status/status.ts';
import { handoverMarkdown, handoverText } from '../lib/render/show/handover.ts';
import { statusText } from '../lib/render/status.ts';
import { EXIT, StoreError, UsageError } from '../lib/util/errors.ts';
import { humanDuration, SECOND } from '../lib/util/time.ts';

/** Default time between two looks. */
const EVERY = '5s';

/** Gives `--watch` its default time where it has no value. */
function withTime(argv: readonly string[]): string[] {
  return argv.flatMap((word, at) => {
    const alone = word === '--watch' && (argv[at + 1] ?? '-').startsWith('-');
    return alone ? [word, EVERY] : [word];
  });
}

/** Clears a terminal and goes to its first line. */
const CLEAR = '\x1b[2J\x1b[H';

export default class Status extends Base {
  static override summary = 'Show the state of the whole experiment on one page';
  static override description =
    'Shows first what needs a person, each line with a command to begin with. Then come runs, loops, storage elements, jobs, farms and requests. With --since: a handover for the next shift. With --watch: a live screen with views of status, flow, runs, jobs, copies, farms and holds; ? shows its keys, q ends it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --check || mail -s "dflow needs you" shifter',
    '<%= config.bin %> <%= command.id %> --request tl-july',
    '<%= config.bin %> <%= command.id %> --since 8h',
    '<%= config.bin %> <%= command.id %> --since 8h --format md | mail -s handover shift@example.org',
    '<%= config.bin %> <%= command.id %> --watch',
  ];
  static override flags = {
    format: Flags.option({
      options: ['table', 'tsv', 'json', 'md'] as const,
      description: 'form of the output (md: of a handover, as Markdown to paste or mail)',
      helpGroup: 'GLOBAL',
    })(),
    check: Flags.boolean({ description: 'exit with code 1 when something needs a person' }),
    request: Flags.string({ description: 'show only this request', helpValue: 'NAME' }),
    since: Flags.string({
      description:
        'show a handover instead: what happened since this time (8h, or a date), what was switched, what is open, what changed for the worse',
      helpValue: 'TIME',
      exclusive: ['watch', 'request', 'check'],
    }),
    watch: Flags.string({
      description: `show a live screen that looks again after this time (default: ${EVERY}); without a terminal: print the page again and again, until interrupted`,
      helpValue: '10s',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status, withTime(this.argv));
    const every = flags.watch === undefined ? undefined : Math.max(SECOND, durationOf(flags.watch, '--watch'));
    if (every !== undefined && this.isLive(flags)) return this.live(every);
    const ports = await this.ports(false);
    if (flags.since !== undefined) return this.handover(ports, flags.since);
    if (this.out.format === 'md')
      throw new UsageError('--format md is for a handover', { hint: 'dflow status --since 8h --format md' });
    for (;;) {
      const whole = await status(ports).catch((error: unknown) => this.outage(error, every));
      if (whole && every !== undefined && this.out.format === 'table') process.stdout.write(CLEAR);
      if (whole) await this.show(whole, flags);
      if (every === undefined || this.out.isClosed) return;
      await ports.sleep(every);
    }
  }

  /** The screen needs a terminal for input and output that can move its cursor. */
  private isLive({ check, request }: { check: boolean; request?: string | undefined }): boolean {
    const terminal = process.stdin.isTTY && process.stdout.isTTY && process.env.TERM !== 'dumb';
    return terminal && this.out.format === 'table' && !check && request === undefined;
  }

  private async live(every: number): Promise<void> {
    const settings = await this.settings();
    const open = (command?: string): Promise<OpenPorts> =>
      openPorts(settings, { write: command !== undefined, command: command ?? 'status' });
    // A store that cannot be opened ends the command before the screen is taken.
    const ports = await open();
    const { live } = await import('../lib/cli/live/live.ts');
    await live({ experiment: settings.experiment, every, ports, open });
  }

  private async handover(ports: Ports, text: string): Promise<void> {
    const page = await handover(ports, sinceOf(text, await ports.store.now()));
    if (this.out.format === 'json') this.out.json({ kind: 'handover', ...page });
    else if (this.out.format === 'md') this.out.line(handoverMarkdown(page));
    else this.out.line(handoverText(page, this.out.width));
  }

  /** Who watches goes on watching while the store is away: the page comes back with it. */
  private outage(error: unknown, watch: number | undefined): undefined {
    const passing = error instanceof StoreError && error.exit === EXIT.storeUnreachable;
    if (watch === undefined || !passing) throw error;
    this.say(`${error.message}\nThe page above is old; the store is asked again in ${humanDuration(watch)}`);
  }

  private async show(whole: StatusPage, flags: { check: boolean; request?: string | undefined }): Promise<void> {
    const { request } = flags;
    const requests = request === undefined ? whole.requests : whole.requests.filter(({ name }) => name === request);
    if (request !== undefined && requests.length === 0) {
      const names = whole.requests.map(({ name }) => name);
      throw noSuchError('request', request, names);
    }
    const page = { ...whole, requests };
    if (flags.check && page.needYou.length > 0) process.exitCode = EXIT.itemsFailed;
    if (request !== undefined && this.out.format !== 'json') {
      const rows = requests.map(({ name, version, passes, states }): ProgressRow => {
        return { ...states, kind: 'request', ref: `request:${name}`, name, version, passes };
      });
      return this.rows('progress', rows);
    }
    if (this.out.format === 'json') this.out.json({ kind: 'status', ...page });
    else this.out.line(statusText(page, this.out.width));
  }
}
