// What somebody may have to be told of. One problem is one cause: 300 failures of one module with one cause are one.
import type { Iso } from '../../util/time.ts';

/** Words of `on:` in a rule. */
export const TROUBLES = [
  'store', // the store cannot be used from a host: told without it, by the notifier of that host
  'failed', // passes that failed, or are held until a person acts
  'site-fault', // a kind of job is held at a farm, since most attempts there failed
  'silent', // a farm, a loop or a lease of which nothing is heard, or a step that failed
  'credentials', // expired, or near their end
  'buffer', // nearly full, or full within days
  'storage', // an element that fails, is set aside, or has bad copies
  'efficiency', // too many transfers to an element fail
  'data', // raw files that changed, are lost, or are in quarantine
  'conflict', // documents in conflict after a replication
  'hold', // something is held by a person
  'stuck', // anything else that needs a person
  'request-done', // every pass of a request has ended
] as const;
export type Trouble = (typeof TROUBLES)[number];

export interface Problem {
  /** The same as long as it is the same problem. */
  readonly key: string;
  readonly kind: Trouble;
  readonly text: string;
  /** What to type. */
  readonly next: readonly string[];
  /** How many subjobs, files and so on. */
  readonly count: number;
  readonly since?: Iso;
  /** Some of what it is about. */
  readonly refs: readonly string[];
  readonly runs: readonly number[];
  readonly modules: readonly string[];
  readonly farms: readonly string[];
  /** A thing that has happened: it has no end, and is told once. */
  readonly once?: true;
  /** Told only where a rule asks for more days than are left. */
  readonly daysLeft?: number;
  /** The pass whose log says more. */
  readonly job?: string;
}

/** One problem about nothing in particular, as far as `told` does not say more. */
export function problemOf(told: Pick<Problem, 'key' | 'kind' | 'text' | 'next'> & Partial<Problem>): Problem {
  return { count: 1, refs: [], runs: [], modules: [], farms: [], ...told };
}

const OF_WAYS: Readonly<Record<string, Trouble>> = {
  ...named('silent', 'farm-silent', 'farm-never', 'loop-failed', 'loop-silent', 'loop-never', 'clock', 'lease'),
  ...named('credentials', 'credentials'),
  ...named('buffer', 'buffer'),
  ...named('storage', 'element-fails', 'element-aside', 'element-unknown', 'copies-failed', 'copies-bad'),
  ...named('storage', 'output-copy', 'copying', 'undeleted'),
  ...named('storage', 'catalogue', 'catalogue-refused'),
  ...named('data', 'changed', 'lost', 'purging', 'quarantine', 'new-version', 'stale', 'interrupted', 'damaged'),
  ...named('conflict', 'conflict'),
  ...named('hold', 'hold'),
  ...named('failed', 'failed', 'held'),
};

function named(kind: Trouble, ...ways: readonly string[]): Record<string, Trouble> {
  return Object.fromEntries(ways.map((way) => [way, kind]));
}

/** The kind of a way of standing still (docs/standing-still.md). */
export function troubleOf(way: string): Trouble {
  return (Object.hasOwn(OF_WAYS, way) ? OF_WAYS[way] : undefined) ?? (/^loop-/.test(way) ? 'silent' : 'stuck');
}

/** Ways of which several may stand at once, each about a place or a host. */
const SEVERAL =
  /^(farm|loop|element|version|inputs)-|^(clock|lease|credentials|buffer|hold-over|copies-failed|module-file)$/;

/**
 * What tells one problem of a way from another: its way, and where it may be about several places the words before the
 * first number or reason. Ages and counts change from round to round, and the problem stays the same.
 */
export function keyOf(way: string, text: string): string {
  if (!SEVERAL.test(way)) return way;
  const subject = text.split(/[:;,(]| failed| has never| have not| has not| since /, 1)[0] ?? '';
  return `${way} ${subject.replace(/(?<![\w.-])\d[\d.]*(ms|s|m|min|h|d)?(?![\w-])/g, '#').trim()}`;
}
