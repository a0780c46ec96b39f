// The content of a request, from the flags of `reprocess` or from a request file.
import { notPriority, priorityOf } from '../../domain/jobs/requests/priority.ts';
import type { RunSet } from '../../domain/selection.ts';
import type { selectRuns } from '../../flow/jobs/select.ts';
import type { Ports } from '../../flow/ports.ts';
import type { ReprocessOptions } from '../../flow/steps/reprocess/reprocess.ts';
import { UsageError } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import { nothingNamed, readRefs, runsToSwitch } from '../arguments/selection.ts';
import { readRequest } from './requestfile.ts';

/** Flags with the content of a request. A request file has the same content, so they are refused beside it. */
export const CONTENT = [
  ...['run', 'module', 'version', 'level', 'tag', 'priority', 'label', 'prerequisite', 'after', 'text', 'stale-tables'],
] as const;

export interface Asked {
  readonly name: string;
  readonly version?: string | undefined;
  readonly modules: readonly string[];
  readonly sets: Parameters<typeof selectRuns>[1] & { readonly runs?: RunSet };
  readonly own: Pick<ReprocessOptions, 'level' | 'tag' | 'priority' | 'labels' | 'prerequisite' | 'after' | 'text'>;
}

/** @throws UsageError for a missing flag that every request needs */
export function refuseMissing(
  words: readonly string[],
  { run, module, request, 'stale-tables': stale }: AskingFlags,
): void {
  const missing = [
    ...(words.length === 0 && run === undefined && !stale ? ['--run 109100-109200'] : []),
    ...(module === undefined ? ['--module NAME'] : []),
    ...(request === undefined ? ['--request NAME'] : []),
  ];
  if (missing.length === 0) return;
  const text = missing.map((flag) => `the flag ${flag.split(' ')[0]} is required`).join('; ');
  throw new UsageError(text, { hint: `the same command with ${missing.join(' ')}` });
}

export interface AskingFlags {
  readonly request?: string | undefined;
  readonly version?: string | undefined;
  readonly run?: readonly string[] | undefined;
  readonly module?: readonly string[] | undefined;
  readonly label?: readonly string[] | undefined;
  readonly level?: string | undefined;
  readonly tag?: string | undefined;
  readonly priority?: string | undefined;
  readonly prerequisite?: string | undefined;
  readonly after?: string | undefined;
  readonly text?: string | undefined;
  readonly 'stale-tables'?: boolean;
}

export async function askedByFlags(words: readonly string[], flags: AskingFlags): Promise<Asked> {
  const named = words.length > 0 ? await readRefs(words) : undefined;
  if (named?.length === 0) throw nothingNamed(words, 'run');
  const runs = flags.run ? await runsToSwitch(flags.run) : undefined;
  const { level, tag, prerequisite, after, text, label: labels, priority: word } = flags;
  const priority = word === undefined ? undefined : priorityOf(word);
  if (word !== undefined && priority === undefined)
    throw new UsageError(`--priority: ${notPriority(word)}`, { hint: 'the same command with --priority high' });
  return {
    ...{ name: flags.request ?? '', version: flags.version, modules: flags.module ?? [] },
    sets: given({ refs: named, runs }),
    own: given({ level, tag, priority, labels, prerequisite, after, text }),
  };
}

export async function askedByFile(ports: Ports, file: string, { request }: AskingFlags): Promise<Asked> {
  const { raw, runs } = await readRequest(ports, file);
  const { request: own, version, modules, level, tag, priority, labels, prerequisite, after, text } = raw;
  const name = own ?? request;
  const where = file === '-' ? 'standard input' : file;
  if (name === undefined)
    throw new UsageError('the request has no name', {
      where,
      hint: 'the key request: NAME in the file, or --request NAME',
    });
  if (request !== undefined && request !== name)
    throw new UsageError(`--request says '${request}', and the file says '${name}'`, {
      where,
      hint: `the same command with --request ${name}`,
    });
  return {
    name,
    version,
    modules,
    sets: { runs },
    own: given({ level, tag, priority, labels, prerequisite, after, text }),
  };
}
