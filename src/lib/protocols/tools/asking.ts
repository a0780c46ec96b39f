// What a pool of long-lived programs and each of its workers agree on.

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** It says something (a prompt) before it can be asked. */
  readonly greets: boolean;
  /** Questions that may wait in one program beside the one that it answers; 0 for one that takes them one by one. */
  readonly ahead: number;
  /** Cuts off the first whole answer; `undefined` before it is whole. `greeting` is what it said at first. */
  cut(output: string, greeting: string): Cut | undefined;
  /** After such an answer it is of no more use. */
  broken?(answer: string): boolean;
}

export interface Cut {
  readonly answer: string;
  readonly rest: string;
}

/** The program did not answer: killed after its time, ended by itself, or never started. */
export class NoAnswerError extends Error {
  constructor(
    readonly reason: 'late' | 'ended' | 'absent',
    /** What it said before. */
    readonly said: string,
  ) {
    super(reason);
  }
}

export interface Asking {
  /** Milliseconds from when the program may begin with it. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
  /** It may take long: nothing is to wait behind it. */
  readonly alone?: boolean;
}
