// The status page as data: what `status` prints and `status --json` yields.

import type { LoopDoc } from '../../../domain/farms/farm.ts';
import type { HoldDoc } from '../../../domain/hold.ts';
import type { RequestState } from '../../../domain/jobs/requests/progress.ts';
import type { Iso } from '../../../util/time.ts';
import type { BufferRow } from '../../copies/buffer/levels.ts';
import type { CredentialDoc } from '../../farms/credentials.ts';

/** Every way in which something stands still (docs/standing-still.md says what each is and what clears it). */
export const WAYS = [
  ...[
    'farm-silent',
    'farm-never',
    'loop-failed',
    'loop-silent',
    'loop-stopped',
    'loop-never',
    'clock',
    'lease',
    'credentials',
  ],
  ...['buffer', 'hold', 'hold-over', 'failed', 'held', 'cooled', 'unsatisfied', 'submitting', 'module-gone'],
  ...['module-file'],
  ...['version-nowhere', 'inputs-nowhere', 'no-version', 'todo', 'blocked', 'first-pass', 'request', 'conflict'],
  ...['archiving'],
  ...['element-fails', 'element-aside', 'element-unknown', 'copies-failed', 'copies-bad', 'output-copy', 'copying'],
  ...['stale-tables'],
  ...['catalogue', 'catalogue-refused'],
  ...['changed', 'lost', 'purging', 'undeleted', 'quarantine', 'new-version', 'stale', 'interrupted', 'unreadable'],
  ...['damaged'],
] as const;

/** Something that a person should look at, and the command to begin with. */
export interface Attention {
  /** One of `WAYS`. */
  readonly way: string;
  readonly text: string;
  readonly next: string;
}

export interface StatusPage {
  readonly experiment: string;
  readonly at: Iso;
  readonly store: string;
  readonly needYou: readonly Attention[];
  readonly runs: Readonly<Record<'open' | 'todo' | 'done' | 'late', number>>;
  /** Files in quarantine by reason. */
  readonly quarantined: Readonly<Record<string, number>>;
  readonly holds: readonly HoldDoc[];
  readonly loops: readonly LoopDoc[];
  /** By storage element, in order: files by replica state, and files still to be copied there. */
  readonly storage: readonly {
    readonly name: string;
    readonly primary: boolean;
    readonly states: Readonly<Record<string, number>>;
    readonly missing: number;
    /** `ok`, `disabled`, `breaker since ...`. */
    readonly state: string;
  }[];
  /** How full each level's buffer is, as its host last said. */
  readonly buffer: readonly BufferRow[];
  /** By host: how long its credentials are good for. */
  readonly credentials: readonly CredentialDoc[];
  /** By version and module: passes by state. */
  readonly jobs: readonly {
    readonly version: string;
    readonly module: string;
    readonly states: Readonly<Record<string, number>>;
  }[];
  readonly farms: readonly {
    readonly site: string;
    readonly backend: string;
    readonly slots: number;
    readonly active: number;
    readonly heartbeat: Iso;
    /** It takes no jobs. */
    readonly drained?: { readonly why: string; readonly until?: Iso; readonly next: string };
  }[];
  readonly requests: readonly {
    readonly name: string;
    readonly version: string;
    readonly passes: number;
    readonly states: Readonly<Record<string, number>>;
    /** `ended`: what is left was canceled or deleted. */
    readonly state: RequestState;
    /** Passes completed in an hour, lately. */
    readonly rate?: number;
    /** Milliseconds until the last pass, at this rate. */
    readonly left?: number;
  }[];
}
