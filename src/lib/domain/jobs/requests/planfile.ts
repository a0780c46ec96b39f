// A saved plan of a request: lines of JSON that a person can review. Each line has a check over itself and all lines before
// it, so that an edited, a missing or a cut line is found and named. Pure.
import { createHash } from 'node:crypto';
import { UsageError } from '../../../util/errors.ts';
import type { Iso } from '../../../util/time.ts';
import * as s from '../../../util/values/shape.ts';
import type { RequestEstimate } from '../request.ts';
import type { PassState } from '../states.ts';

/** Version of the form of these files. */
const FORMAT = 1;

/** Where, when and by whom the plan was made. */
interface PlanHead {
  readonly experiment: string;
  /** Unique id of the store. */
  readonly store: string;
  readonly made: Iso;
  readonly by: string;
  /** The command that made it. */
  readonly command: string;
  /** Digest of the configuration, and of each module. */
  readonly configuration: string;
  readonly modules: Readonly<Record<string, string>>;
  readonly passes: number;
}

/** What is asked for, defaults filled in. */
interface PlanRequest {
  readonly name: string;
  readonly version: string;
  readonly level: string;
  readonly modules: readonly string[];
  readonly runs: readonly number[];
  /** Ranges that were asked for: a run that has come into one since is not part of the plan. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly priority: number;
  readonly labels: readonly string[];
  readonly prerequisite: string;
  readonly tag?: string;
  readonly after?: string;
  readonly text?: string;
}

/** A pass as it is to be made. */
export interface PlanPass {
  readonly run: number;
  readonly module: string;
  readonly pass: number;
  /** `state`: of a pass that exists already. */
  readonly needs: readonly { readonly module: string; readonly pass: number; readonly state?: PassState }[];
  readonly subjobs: number;
  readonly labels: readonly string[];
  /** Raw files that it reads of which no good copy is left. */
  readonly lost: readonly string[];
  /** Marks of the content of its inputs, and of its run tables. */
  readonly inputs: string;
  readonly tables: string;
}

export interface PlanFile {
  readonly head: PlanHead;
  readonly request: PlanRequest;
  readonly estimate: RequestEstimate;
  readonly passes: readonly PlanPass[];
}

const digest = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

/** A short mark of any content. */
export function markOf(value: unknown): string {
  return digest(JSON.stringify(value), 12);
}

/** The lines of a plan. */
export function* planLines({ head, request, estimate, passes }: PlanFile): Generator<string, void, void> {
  let check = '';
  const line = (value: object): string => {
    check = checkOf(check, value);
    return `${JSON.stringify({ ...value, check })}\n`;
  };
  yield line({ line: 'plan', format: FORMAT, ...head });
  yield line({ line: 'request', ...request });
  yield line({ line: 'estimate', ...estimate });
  for (const pass of passes) yield line({ line: 'pass', ...pass });
  yield line({ line: 'end', passes: passes.length });
}

function checkOf(before: string, value: object): string {
  return digest(`${before}\n${JSON.stringify(value)}`, 12);
}

const texts = s.list(s.text);
const pair = s.tuple(s.whole, s.whole);
const SHAPES: Readonly<Record<string, s.Shape>> = {
  plan: s.fields({
    ...{ format: s.whole, experiment: s.text, store: s.text, made: s.when, by: s.text, command: s.text },
    ...{ configuration: s.text, modules: s.map(s.text), passes: s.whole },
  }),
  request: s.fields(
    {
      ...{ name: s.text, version: s.text, level: s.text, modules: texts, runs: s.list(s.whole), ranges: s.list(pair) },
      ...{ priority: s.integer, labels: texts, prerequisite: s.text },
    },
    { tag: s.text, after: s.text, text: s.text },
  ),
  estimate: s.fields({ jobs: s.whole, cpu: s.number, wall: s.number, bytes: s.number, unmeasured: texts }),
  pass: s.fields({
    ...{
      run: s.whole,
      module: s.text,
      pass: s.whole,
      subjobs: s.whole,
      labels: texts,
      lost: texts,
      inputs: s.text,
      tables: s.text,
    },
    needs: s.list(s.fields({ module: s.text, pass: s.whole }, { state: s.text })),
  }),
  end: s.fields({ passes: s.whole }),
};

/** The kinds of line allowed at this line number: passes are between the third line and the last. */
function expectedAt(number: number): readonly string[] {
  return [['plan'], ['request'], ['estimate']][number - 1] ?? ['pass', 'end'];
}

const AGAIN = 'save the plan again: the command that made it is in its first line';

/**
 * A plan as it was saved.
 * @throws UsageError it was edited, cut, or made by another version of dflow; the line is named
 */
export function parsePlan(text: string, file: string): PlanFile {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop();
  const read: Record<string, unknown>[] = [];
  let check = '';
  for (const [at, line] of lines.entries()) {
    const number = at + 1;
    const value = lineOf(line, number, file);
    if (read.at(-1)?.line === 'end') throw wrong('lines follow the end of the plan', file, number);
    const { check: said, ...rest } = value;
    if (number === 1 && rest.line === 'plan' && rest.format !== FORMAT) throw otherFormat(rest.format, file);
    check = checkOf(check, rest);
    if (said !== check) throw wrong('the line was edited, or a line before it is missing', file, number);
    shapeOf(rest, number, file);
    read.push(rest);
  }
  const last = read.at(-1);
  if (last?.line !== 'end' || last.passes !== read.length - 4)
    throw wrong('the end of the plan is missing: the file was cut', file, Math.max(1, lines.length));
  const [head, request, estimate] = read;
  return { head, request, estimate, passes: read.slice(3, -1) } as unknown as PlanFile;
}

function lineOf(line: string, number: number, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  const first = number === 1 ? 'the file is not a plan of dflow' : 'the line is not whole: the plan was edited or cut';
  throw wrong(first, file, number);
}

function shapeOf(value: Readonly<Record<string, unknown>>, number: number, file: string): void {
  const kind = String(value.line);
  const shape = expectedAt(number).includes(kind) ? SHAPES[kind] : undefined;
  const fault = shape ? shape(value) : { field: 'line', expected: expectedAt(number).join(' or ') };
  if (fault) throw wrong(`${fault.field}: expected ${fault.expected}`, file, number);
}

function otherFormat(format: unknown, file: string): UsageError {
  return wrong(`the plan has format ${JSON.stringify(format) ?? 'none'}; this dflow reads format ${FORMAT}`, file, 1);
}

function wrong(message: string, file: string, line: number): UsageError {
  return new UsageError(message, { where: `${file}:${line}`, hint: AGAIN });
}
