// What no step leaves behind in a document that can be read: states that the transition table does not make, and claims
// on copies that nobody holds any more.
import { isLive } from '../data/copyclaim.ts';
import type { DataDoc } from '../data/data.ts';
import { type Doc, type HistoryEntry, isA } from '../doc.ts';
import { refOf } from '../ids.ts';
import type { JobDoc } from '../jobs/job.ts';
import { passState, SUBJOB_STATES, TRANSITIONS } from '../jobs/states.ts';

export interface Oddity {
  readonly did: 'impossible' | 'abandoned';
  readonly text: string;
  readonly next: string;
  /** `mended` puts it right. */
  readonly mends?: true;
}

export function odditiesOf(doc: Doc, now: string): Oddity[] {
  if (isA<JobDoc>(doc, 'job')) return [...impossibleIn(doc), ...abandonedCopies(doc, now)];
  return isA<DataDoc>(doc, 'data') ? abandonedSlots(doc, now) : [];
}

const BY_HAND = 'no command changes it: compare with a backup and with dflow history';

function impossibleIn(job: JobDoc): Oddity[] {
  const ref = refOf(job.run, job.module, job.pass);
  const odd = (text: string, next: string): Oddity => ({ did: 'impossible', text, next });
  const made = passState(job.subjobs.map(({ state }) => state));
  const places = job.subjobs.flatMap(({ index }, place) => (index === place ? [] : [`${place} says ${index}`]));
  const moves = [...new Set(job.history.filter(isForbidden).map(({ from, to }) => `${from} to ${to}`))];
  return [
    ...(made === job.state
      ? []
      : [
          {
            ...odd(`its state is '${job.state}', and its subjobs make '${made}'`, 'dflow store check --mend'),
            mends: true as const,
          },
        ]),
    ...(places.length === 0 ? [] : [odd(`subjobs have wrong numbers: ${places.join(', ')}`, `${BY_HAND} ${ref}`)]),
    ...(moves.length === 0 ? [] : [odd(`no step goes from ${moves.join(', from ')}`, `${BY_HAND} ${ref}`)]),
  ];
}

/** `from to`, of every event. */
const ALLOWED = new Set(Object.values(TRANSITIONS).flatMap(({ from, to }) => from.map((name) => `${name} ${to}`)));
const NAMES = new Set<string>(SUBJOB_STATES);

/** Entries of other changes have no states of subjobs. */
function isForbidden({ subjob, from, to }: HistoryEntry): boolean {
  if (subjob === undefined || from === undefined || !NAMES.has(from) || !NAMES.has(to)) return false;
  return from !== to && !ALLOWED.has(`${from} ${to}`);
}

/** The pass with the state that its subjobs make; `undefined` where it has that. */
export function mended(job: JobDoc, at: string): JobDoc | undefined {
  const state = passState(job.subjobs.map((subjob) => subjob.state));
  return state === job.state ? undefined : { ...job, state, since: at };
}

const NOBODY: ReadonlySet<string> = new Set();

function abandonedSlots({ level, run, files }: DataDoc, now: string): Oddity[] {
  const left = files.flatMap(({ name, replicas }) =>
    Object.entries(replicas).flatMap(([storage, slot]) =>
      slot.state === 'copying' && !isLive(slot, now, NOBODY)
        ? [`${name} to ${storage} (${slot.host}, until ${slot.expires})`]
        : [],
    ),
  );
  if (left.length === 0) return [];
  const next = `dflow transfer --level ${level} --run ${run}`;
  return [{ did: 'abandoned', text: `nobody copies any more: ${listed(left)}`, next }];
}

function abandonedCopies({ run, module, pass, copies = {} }: JobDoc, now: string): Oddity[] {
  const left = Object.entries(copies).flatMap(([storage, claim]) =>
    'expires' in claim && !isLive(claim, now, NOBODY) ? [`${storage} (${claim.host}, until ${claim.expires})`] : [],
  );
  if (left.length === 0) return [];
  const text = `nobody copies the outputs of ${refOf(run, module, pass)} any more to ${listed(left)}`;
  return [{ did: 'abandoned', text, next: `dflow transfer --run ${run}` }];
}

/** Told of one document. */
const TOLD = 3;

function listed(all: readonly string[]): string {
  const more = all.length > TOLD ? `; and ${all.length - TOLD} more` : '';
  return `${all.slice(0, TOLD).join('; ')}${more}`;
}
