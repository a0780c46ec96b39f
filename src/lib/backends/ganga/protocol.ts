// What is said between dflow and driver.py: one JSON line each way.
import * as z from 'zod/mini';

/** A Ganga job to be made: `name` is also its comment, by which it is found. */
export interface NewJob {
  readonly name: string;
  readonly exe: string;
  readonly args: readonly string[];
  /** Attributes of the backend object for this job alone. */
  readonly with?: Readonly<Record<string, string>>;
}

/** Attributes that a person may set on Ganga's backend object. */
export type ViaOptions = Readonly<Record<string, string | number | boolean>>;

export interface Questions {
  hello: { readonly prefix: string; readonly via: string; readonly options: ViaOptions };
  submit: { readonly via: string; readonly options: ViaOptions; readonly jobs: readonly NewJob[] };
  status: { readonly names: readonly string[] };
  kill: { readonly names: readonly string[] };
  /** `open`: names that must stay; at most `limit` others are removed. */
  tidy: { readonly open: readonly string[]; readonly limit: number };
}

/** Ganga's own word on one job. */
export interface Word {
  readonly status: string;
  readonly id: string;
  /** Exit code, where the backend knows one. */
  readonly exit: number | null;
}

/** The first job that Ganga could not submit; those after it were not tried. */
export interface NotTaken {
  readonly name: string;
  /** Ganga's words. */
  readonly why: string;
  /** Those of the batch system behind it, if it said any. */
  readonly said: string;
}

export interface Answers {
  hello: { readonly version: string; readonly old: boolean; readonly jobs: number; readonly leftover: string[] };
  submit: { readonly ids: Readonly<Record<string, string>>; readonly failed?: NotTaken };
  status: { readonly jobs: Readonly<Record<string, Word>> };
  kill: { readonly failed: readonly string[] };
  tidy: { readonly removed: number };
}

/** What the driver says when it cannot answer. */
export interface Failure {
  readonly error?: string;
  readonly refused?: 'no-backend' | 'unknown-option' | 'bad-option';
  readonly text?: string;
  readonly names?: readonly string[];
}

const word = z.object({ status: z.string(), id: z.string(), exit: z.nullable(z.number()) });
const text = z.string();
const texts = z.array(text);

const failed = z.union([
  z.object({ error: text }),
  z.object({
    refused: z.enum(['no-backend', 'unknown-option', 'bad-option']),
    text: z.optional(text),
    names: z.optional(texts),
  }),
]);

const shapes = {
  hello: z.object({ version: text, old: z.boolean(), jobs: z.number(), leftover: texts }),
  submit: z.object({ ids: z.record(text, text), failed: z.optional(z.object({ name: text, why: text, said: text })) }),
  status: z.object({ jobs: z.record(text, word) }),
  kill: z.object({ failed: texts }),
  tidy: z.object({ removed: z.number() }),
} as const;

type Answered<A> =
  | { readonly answer: A; readonly failure?: undefined }
  | { readonly answer?: undefined; readonly failure: Failure };

/** The driver's answer to one question. A line that is something else is a failure, too: Ganga's plug-ins print. */
export function answerOf<Q extends keyof Questions>(name: Q, line: string): Answered<Answers[Q]> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const failure = z.safeParse(failed, value);
  if (failure.success) return { failure: failure.data as Failure };
  const answer = z.safeParse(shapes[name], value);
  if (answer.success) return { answer: answer.data as Answers[Q] };
  return { failure: { error: `its driver answered something unexpected to ${name}: ${line.slice(0, 200)}` } };
}
