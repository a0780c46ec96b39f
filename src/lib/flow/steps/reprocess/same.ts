// Whether a call asks for what a request of its name has, and which passes of other requests it would double.
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { RequestDoc } from '../../../domain/jobs/request.ts';
import { ENDED } from '../../../domain/jobs/states.ts';

/** What a call asks for, defaults filled in. */
export type Asked = Pick<RequestDoc, 'version' | 'level' | 'modules' | 'priority' | 'labels' | 'prerequisite'> &
  Partial<Pick<RequestDoc, 'tag' | 'after' | 'text'>> & { readonly runs: readonly number[] };

/** How the call differs from the request, a few words each; empty when it asks for the same. */
export function differences(old: RequestDoc, asked: Asked): string[] {
  const before = old.runs ?? [...new Set(old.plan.map(({ run }) => run))];
  const fields = ['version', 'level', 'priority', 'prerequisite', 'tag', 'after'] as const;
  return [
    ...setText('run', before, asked.runs),
    ...setText('module', old.modules, asked.modules),
    ...setText('label', old.labels, asked.labels),
    ...fields.flatMap((field) => {
      const [has, wants] = [old[field] ?? 'none', asked[field] ?? 'none'];
      return has === wants ? [] : [`${field} ${wants} instead of ${has}`];
    }),
    ...((old.text ?? '') === (asked.text ?? '') ? [] : ['the text is another one']),
  ];
}

/** Names shown of what differs. */
const SHOWN = 10;

function setText<T extends string | number>(what: string, before: readonly T[], now: readonly T[]): string[] {
  const part = (words: string, list: readonly T[]): string[] => {
    if (list.length === 0) return [];
    const more = list.length > SHOWN ? ` and ${list.length - SHOWN} more` : '';
    return [`${what} ${list.slice(0, SHOWN).join(', ')}${more} ${words}`];
  };
  const [had, has] = [new Set(before), new Set(now)];
  return [
    ...part(
      'is new',
      [...has].filter((one) => !had.has(one)),
    ),
    ...part(
      'is left out',
      [...had].filter((one) => !has.has(one)),
    ),
  ];
}

/** Passes of other requests that have not ended: another one of the same version would only do their work again. */
export function openTwins(passes: readonly JobDoc[], version: string, request: string): JobDoc[] {
  return passes.filter(
    (job) => job.version === version && job.request !== undefined && job.request !== request && !ENDED.has(job.state),
  );
}
