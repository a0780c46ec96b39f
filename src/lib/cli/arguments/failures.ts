// Recorded failures as JSON lines: read from a file or standard input, each checked.

import * as z from 'zod/mini';
import type { RecordedFailure } from '../../flow/reports/policy.ts';
import { messageOf, UsageError } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import { inputLines } from './input.ts';

const text = z.optional(z.string());
const count = z.optional(z.number());

const shape = z.object({
  ref: text,
  exit: count,
  signal: count,
  phase: text,
  text,
  site: text,
  module: text,
  version: text,
  failures: count,
});

/**
 * The failures of a file, or of standard input (`-`). Empty lines are left out.
 * @throws UsageError with the line that is not a failure
 */
export async function failureLines(file: string): Promise<RecordedFailure[]> {
  const name = file === '-' ? 'standard input' : file;
  const failures: RecordedFailure[] = [];
  let number = 0;
  for await (const line of inputLines(file)) {
    number++;
    if (line.trim() !== '') failures.push(failureOf(line, `${name}:${number}`));
  }
  return failures;
}

function failureOf(line: string, where: string): RecordedFailure {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new UsageError(`not a JSON line: ${messageOf(error)}`, { where });
  }
  const parsed = z.safeParse(shape, value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new UsageError(`not a failure: '${issue?.path.join('.') || 'the line'}' has the wrong type`, {
      where,
      hint: '{"exit": 2, "phase": "payload", "text": "...", "site": "cedar", "module": "Processing"}',
    });
  }
  const { exit, signal, phase, text: words } = parsed.data;
  if ([exit, signal, phase, words].every((field) => field === undefined)) {
    const hint = 'for the failures in the store: dflow policy test --all';
    throw new UsageError('not a failure: exit, signal, phase and text are all missing', { where, hint });
  }
  return { ref: where, ...given(parsed.data) };
}
