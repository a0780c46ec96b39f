// The shape of a row of the policy table; what it means is policy.ts.

/** One row of the policy table: the first whose conditions all hold decides. */
export interface PolicyRule {
  /** Stable slug of the cause. */
  readonly cause: string;
  readonly exit?: readonly number[];
  readonly signal?: readonly number[];
  readonly phase?: string;
  /** Regular expression on the backend's reason and the log's tail. */
  readonly text?: string;
  readonly action: 'retry' | 'later' | 'more' | 'fail' | 'hold';
  /** With `more`: what the next attempt asks more of. */
  readonly of?: 'memory' | 'time';
  /** With `more`: how many times as much (default 2). */
  readonly factor?: number;
  /** With `more`: never beyond, MiB or milliseconds; default four times what the module says. */
  readonly ceiling?: number;
  /** Milliseconds before the first later retry; doubles each time. */
  readonly wait?: number;
  /** Tries in all under this rule, if not the module's. */
  readonly tries?: number;
  /** What a person does about it, where that is the same everywhere. */
  readonly advice?: string;
}
