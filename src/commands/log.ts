import { Flags } from '@oclif/core';
import { all, refs, selection } from '../lib/cli/arguments/flags.ts';
import { apart, select } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import type { JobDoc } from '../lib/domain/jobs/job.ts';
import { ENDED, PASS_STATES } from '../lib/domain/jobs/states.ts';
import type { Selected } from '../lib/flow/jobs/select.ts';
import type { Ports } from '../lib/flow/ports.ts';
import { firstPassLog } from '../lib/flow/reports/firstpass/firstpasslog.ts';
import { type JobLog, type LogChoice, logsOf } from '../lib/flow/reports/logs.ts';
import { matchingLines, newPart } from '../lib/render/show/log.ts';
import { oneLine } from '../lib/util/text/terminal.ts';
import { SECOND } from '../lib/util/time.ts';
import { given } from '../lib/util/values/given.ts';

/** Bytes of each log: shown, and searched. */
const SHOWN = 20_000;
const SEARCHED = 20_000_000;

export default class Log extends Base {
  static override summary = 'Show what a job printed';
  static override description =
    'Shows the end of what the last attempt of each subjob printed, standard output and errors together. An earlier attempt is chosen by --try; its log stays for a month (`keep` of the farm), also while the job is tried again and after it was canceled. The log of a job of the first pass (RUN/JOB) stays on the host where it ran. A terminal gets no control sequences, a pipe gets every byte.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134/Analysis40',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/2.007 --try 1',
    '<%= config.bin %> <%= command.id %> --module Analysis40 --since 12h --failed --grep "no such file"',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40 --follow',
  ];
  static override exits = [0, 1, 2, 3, 5];
  static override strict = false;
  static override args = refs;
  static override flags = {
    raw: Flags.boolean({ description: 'on a terminal: every byte as the job wrote it, with colours' }),
    bytes: Flags.integer({
      description: `at most N bytes of each subjob, from the end (default: ${SHOWN}; with --grep ${SEARCHED})`,
      min: 1,
      helpValue: 'N',
    }),
    try: Flags.integer({ description: 'the attempt of this number', min: 1, helpValue: 'N' }),
    failed: Flags.boolean({ description: 'only attempts that failed, the last one of each subjob' }),
    grep: Flags.string({ description: 'only lines that contain this text', helpValue: 'TEXT' }),
    follow: Flags.boolean({
      description: 'go on showing what is printed, until the jobs end',
      exclusive: ['try', 'failed'],
    }),
    ...selection,
    ...all,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Log);
    const ports = await this.ports(false);
    const { first, rest } = await apart(ports, argv.map(String));
    const input = { refs: argv.map(String), flags, states: PASS_STATES, needed: true, ...given({ read: rest }) };
    const selected = first.length > 0 && rest?.length === 0 ? NONE : await select(ports, input);
    const bytes = flags.bytes ?? (flags.grep === undefined ? SHOWN : SEARCHED);
    const choice = { bytes, try: flags.try, failed: flags.failed };
    const show = (log: JobLog): boolean => this.one(log, flags);
    for (const named of first) {
      const { log, problem } = await firstPassLog(ports, named, choice);
      if (log) show(log);
      if (problem) await this.items([problem]);
    }
    const count = flags.follow
      ? await this.follow(ports, selected, choice, show)
      : await each(ports, selected, choice, show);
    if (selected.problems.length > 0) await this.items(selected.problems);
    if (selected.jobs.length === 0 && selected.problems.length === 0 && first.length === 0)
      this.remark('no job matches. Next: dflow list jobs --state all');
    else if (count === 0 && selected.jobs.length > 0) this.remark(nothing(flags));
  }

  /** False when no log can be shown. */
  private one(log: JobLog, { grep, raw }: { grep?: string | undefined; raw: boolean }): boolean {
    const text = grep === undefined ? log.text : matchingLines(log.text ?? '', grep);
    if (grep !== undefined && text === '') return false;
    if (this.out.format === 'json') this.out.json({ kind: 'log', ...log, ...(text === undefined ? {} : { text }) });
    else {
      this.out.line(oneLine(`== ${log.ref} try ${log.try} ${log.state} at ${log.site}`));
      this.out.output(text?.trimEnd() ?? '(no output was kept)', raw);
    }
    return true;
  }

  /** Shows what is new every second, until every job has ended or is held. */
  private async follow(ports: Ports, selected: Selected, choice: LogChoice, show: Show): Promise<number> {
    const seen = new Map<string, string>();
    let count = 0;
    for (let jobs = selected.jobs; ; jobs = await again(ports, jobs)) {
      const last = jobs.every(({ state }) => ENDED.has(state) || state === 'held');
      count += await each(ports, { ...selected, jobs }, choice, (log) => {
        const text = newPart(seen.get(log.key), log.text ?? '');
        seen.set(log.key, log.text ?? '');
        return text !== '' && show({ ...log, text });
      });
      if (last || this.out.isClosed || ports.stopping?.aborted) return count;
      await ports.sleep(SECOND, ports.stopping);
    }
  }
}

const NONE: Selected = { jobs: [], states: new Map(), subjobs: new Map(), problems: [] };

type Show = (log: JobLog) => boolean;

async function each(ports: Ports, { jobs, subjobs }: Selected, choice: LogChoice, show: Show): Promise<number> {
  let count = 0;
  for (const job of jobs) {
    for (const log of await logsOf(ports, job, { ...choice, subjobs: subjobs.get(job._id) })) if (show(log)) count++;
  }
  return count;
}

async function again({ store }: Ports, jobs: readonly JobDoc[]): Promise<JobDoc[]> {
  return [...(await store.get<JobDoc>(jobs.map(({ _id }) => _id))).values()];
}

function nothing(flags: {
  grep?: string | undefined;
  try?: number | undefined;
  failed: boolean;
  follow: boolean;
}): string {
  if (flags.grep !== undefined) return `no line contains '${flags.grep}'`;
  if (flags.try !== undefined) return `no log of try ${flags.try} is known. Next: dflow show REF`;
  if (flags.failed) return 'no attempt of these jobs has failed. Next: dflow list jobs';
  return 'these jobs were never submitted, so they printed nothing. Next: dflow list jobs';
}
