// What a job of the first pass wrote to standard error: a file on the host where it ran.
import { join } from 'node:path';
import { type FirstPassDoc, firstPassFile } from '../../../domain/firstpass/firstpass.ts';
import { refOf } from '../../../domain/ids.ts';
import { given } from '../../../util/values/given.ts';
import type { NamedJob } from '../../jobs/firstpass/firstpassdocs.ts';
import type { Item, ReadPorts } from '../../ports.ts';
import type { JobLog, LogChoice } from '../logs.ts';

/** The log of the last try, or of the chosen one; else why there is none. */
export async function firstPassLog(
  { store, settings, files, host }: ReadPorts,
  { run, job, id }: NamedJob,
  choice: Pick<LogChoice, 'bytes' | 'try'>,
): Promise<{ readonly log?: JobLog; readonly problem?: Item }> {
  const ref = refOf(run, job);
  const doc = (await store.get<FirstPassDoc>([id])).get(id);
  const no = (text: string, next: string) => ({
    problem: { kind: 'run', ref, did: 'unknown', failed: true, run, text, next } as const,
  });
  if (!doc || doc.tries === 0) return no('it has not run yet, so it printed nothing', `dflow why ${ref}`);
  const number = choice.try ?? doc.tries;
  const path = join(settings.folder, firstPassFile(run, job, number, 'log'));
  const text = await files.readEnd(path, choice.bytes);
  const at = doc.host ?? host;
  if (text === undefined && at !== host) return no(`its log is on ${at}`, `ssh ${at} dflow log ${ref}`);
  if (text === undefined) return no(`no log of try ${number} is kept here (${path})`, `dflow show ${ref}`);
  return { log: { ref, site: at, key: `${id}:${number}`, try: number, state: doc.state, ...given({ text }) } };
}
