import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { module, run } from '../lib/cli/arguments/flags.ts';
import { readRuns, sinceOf } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { CursorFile } from '../lib/cli/watching/cursorfile.ts';
import { noSuchError } from '../lib/domain/named.ts';
import { KINDS } from '../lib/domain/schemas.ts';
import { type EventsOptions, events } from '../lib/flow/reports/events/events.ts';
import { eventLine } from '../lib/render/event.ts';
import { giveBack } from '../lib/util/processes/stopping.ts';
import { parseDuration } from '../lib/util/time.ts';
import { given } from '../lib/util/values/given.ts';

export default class Events extends Base {
  static override summary = 'Print what changes in the store, one line for each change';
  static override description =
    'Reads the change feed of the store, the oldest change first. In a pipe each line is a JSON object with its cursor; --since CURSOR goes on after that line. A document that changed several times between two looks has one line, with its newest change. The history of the document has all of them. With --cursor-file the place is kept in a file after the lines were printed, so a reader that is killed gets some lines again but never misses one. Heartbeats, leases and other bookkeeping are left out unless --kind names them. A removed document has the state removed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --since 12h --kind job',
    '<%= config.bin %> <%= command.id %> --follow --cursor-file /var/lib/elog/cursor | ./to-elog.py',
    '<%= config.bin %> <%= command.id %> --follow --run 109134 --module Analysis40',
  ];
  static override flags = {
    since: Flags.string({
      description:
        'begin after this cursor, or at this time: 12h, or a date (default: the oldest change; with --follow: now)',
      helpValue: 'CURSOR|TIME',
    }),
    kind: Flags.string({
      description: 'kinds of documents, such as job, run, data, hold, request; or all',
      helpValue: 'KIND',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    follow: Flags.boolean({ char: 'f', description: 'go on with what is yet to change, until interrupted' }),
    'until-idle': Flags.boolean({ description: 'follow until no job is ready, at a farm, or to be tried again' }),
    'cursor-file': Flags.string({
      description: 'keep the place in this file and go on from it; --since counts only while the file does not exist',
      helpValue: 'FILE',
    }),
    document: Flags.boolean({ description: 'add the whole document to each line' }),
    ...run,
    ...module,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Events);
    const strange = flags.kind?.find((kind) => kind !== 'all' && !KINDS.includes(kind));
    if (strange !== undefined) throw noSuchError('kind', strange, [...KINDS, 'all']);
    const ports = await this.ports(false);
    const path = flags['cursor-file'];
    const file =
      path === undefined ? undefined : new CursorFile(resolve(path), (await ports.store.identity()).uuid ?? '');
    const follow = flags.follow || flags['until-idle'];
    const since = (await file?.read()) ?? flags.since ?? (follow ? 'now' : undefined);
    const options: EventsOptions = {
      ...placeOf(since, await ports.store.now()),
      ...given({ kinds: flags.kind, modules: flags.module, runs: flags.run && (await readRuns(flags.run)) }),
      follow: flags.follow,
      untilIdle: flags['until-idle'],
      document: flags.document,
    };
    const watching = {
      sleep: (milliseconds: number) => ports.sleep(milliseconds, ports.stopping),
      say: (text: string) => this.say(text),
      over: () => this.out.isClosed || ports.stopping?.aborted === true,
    };
    const done = giveBack();
    try {
      for await (const { rows, cursor } of events(ports, options, watching)) {
        for (const row of rows) this.show(row, flags.format === undefined);
        if (file && (await this.out.drained())) await file.write(cursor);
      }
    } finally {
      done();
    }
  }

  /** Readable on a terminal; elsewhere JSON unless another form was asked for. */
  private show(row: Parameters<typeof eventLine>[0], free: boolean): void {
    const { format } = this.out;
    if (format === 'json' || (format === 'tsv' && free)) this.out.json(row);
    else if (format === 'ids') this.out.line(row.ref);
    else this.out.line(eventLine(row, this.out.width));
  }
}

/** A cursor or a time. A bare number is a cursor. */
function placeOf(text: string | undefined, now: string): Pick<EventsOptions, 'since' | 'from'> {
  if (text === undefined || text === '0') return {};
  const isTime = parseDuration(text) !== undefined || /^\d{4}-\d\d/.test(text) || /^\d+(\.\d+)?[A-Za-z]+$/.test(text);
  return isTime ? { from: sinceOf(text, now) } : { since: text };
}
