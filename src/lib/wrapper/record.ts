// The result record that the wrapper writes: its shape, and the parser of its text.
// One fact a line, free text last on its line, closed by `end <key>` so that a truncated record is recognised.
import { ItemError } from '../util/errors.ts';
import { withoutSecrets } from '../util/text/secrets.ts';

export interface RecordOutput {
  readonly type: string;
  readonly name: string;
  readonly storage: string;
  /** Relative path at the storage element, with the execution in it. */
  readonly path: string;
  readonly size: number;
  /** `md5:<hex>` or `adler32:<hex>` as the wrapper saw it, equal at source and destination. */
  readonly checksum: string;
}

export interface ResultRecord {
  readonly key: string;
  /** Nonce of this start of the wrapper. */
  readonly execution: string;
  /** `done`, or the phase that failed: setup, stage-in, payload, outputs, stage-out, killed, lost. */
  readonly phase: string;
  /** Exit code of the payload or the failed phase; 0 when done. */
  readonly exit: number;
  readonly signal?: number;
  /** One line for people: `missing output counts; found: foo.txt`. */
  readonly reason: string;
  /** Seconds. */
  readonly wall: number;
  readonly cpu?: number;
  /** KiB. */
  readonly maxRss?: number;
  readonly host: string;
  /** Software version of the pass; older wrappers do not say it. */
  readonly version?: string;
  readonly outputs: readonly RecordOutput[];
  /** Last lines of the log, for causes. */
  readonly tail?: string;
}

const PHASES = new Set(['done', 'setup', 'stage-in', 'payload', 'outputs', 'stage-out', 'killed', 'lost']);
const CHECKSUM = /^(md5:[0-9a-f]{32}|adler32:[0-9a-f]{8})$/;

/** Text from a payload may hold anything: control characters and secrets would reach terminals and documents. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return withoutSecrets(text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, ''));
}

function damaged(why: string): ItemError {
  return new ItemError(`damaged result record: ${why}`);
}

function number(text: string | undefined, field: string): number {
  const value = Number(text);
  if (text === undefined || text === '' || !Number.isFinite(value) || value < 0) throw damaged(`${field} is ${text}`);
  return value;
}

function parseOutput(text: string): RecordOutput {
  const [type, name, storage, size, checksum, ...rest] = text.split(' ');
  const path = rest.join(' ');
  if (!type || !name || !storage || !checksum?.match(CHECKSUM) || !path) throw damaged(`output ${text}`);
  return { type, name, storage, path, size: number(size, 'size'), checksum };
}

/** Lines by their first word; a record has few. */
function fields(text: string): Map<string, string[]> {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw damaged('it is cut off');
  if (lines.shift() !== 'dflow-record 1') throw damaged('it has no heading');
  const found = new Map<string, string[]>();
  for (const line of lines) {
    const space = line.indexOf(' ');
    const word = space < 0 ? line : line.slice(0, space);
    const value = space < 0 ? '' : line.slice(space + 1);
    const values = found.get(word);
    if (values) values.push(value);
    else found.set(word, [value]);
  }
  if (!lines.at(-1)?.startsWith('end ')) throw damaged('it is cut off');
  return found;
}

/**
 * The record in a wrapper's text.
 * @throws ItemError when it is truncated or damaged; unknown lines are ignored (a newer wrapper)
 */
export function parseRecord(text: string): ResultRecord {
  const found = fields(text);
  const one = (field: string): string => found.get(field)?.[0] ?? '';
  const key = one('key');
  const phase = one('phase');
  if (!key || one('end') !== key) throw damaged('it ends with another key');
  if (!PHASES.has(phase)) throw damaged(`phase is ${phase}`);
  const tail = found.get('tail');
  const outputs = (found.get('output') ?? []).map(parseOutput);
  return {
    key,
    execution: one('execution'),
    phase,
    exit: number(one('exit'), 'exit'),
    reason: printable(one('reason')),
    wall: number(one('wall'), 'wall'),
    host: one('host'),
    outputs,
    ...(found.has('version') && { version: printable(one('version')) }),
    ...(found.has('signal') && { signal: number(one('signal'), 'signal') }),
    ...(found.has('cpu') && { cpu: number(one('cpu'), 'cpu') }),
    ...(found.has('rss') && { maxRss: number(one('rss'), 'rss') }),
    ...(tail && { tail: printable(tail.join('\n')) }),
  };
}

/** True for a record that has gone through JSON, whoever wrote it. */
export function isRecord(value: unknown): value is ResultRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { key, execution, phase, exit, reason, wall, host, outputs, ...rest }: Partial<ResultRecord> = value;
  const { signal = 0, cpu = 0, maxRss = 0, tail = '', version = '' } = rest;
  return (
    [key, execution, reason, host, tail, version].every((text) => typeof text === 'string') &&
    [exit, wall, signal, cpu, maxRss].every((number) => typeof number === 'number' && Number.isFinite(number)) &&
    PHASES.has(phase ?? '') &&
    Array.isArray(outputs) &&
    outputs.every(isOutput)
  );
}

function isOutput(value: unknown): value is RecordOutput {
  if (typeof value !== 'object' || value === null) return false;
  const { type, name, storage, path, size, checksum = '' }: Partial<RecordOutput> = value;
  const words = [type, name, storage, path].every((word) => typeof word === 'string');
  return words && typeof size === 'number' && size >= 0 && CHECKSUM.test(checksum);
}

/** The text that `parseRecord` reads: for records written in a dead wrapper's place. Newlines in texts become blanks. */
export function renderRecord(record: ResultRecord): string {
  const line = (word: string, value: unknown): string => `${word} ${String(value).replaceAll('\n', ' ')}`;
  const lines = [
    'dflow-record 1',
    line('key', record.key),
    line('execution', record.execution),
    line('phase', record.phase),
    line('exit', record.exit),
    line('wall', record.wall),
    line('host', record.host),
    line('reason', record.reason),
    ...(record.version === undefined ? [] : [line('version', record.version)]),
    ...(record.signal === undefined ? [] : [line('signal', record.signal)]),
    ...(record.cpu === undefined ? [] : [line('cpu', record.cpu)]),
    ...(record.maxRss === undefined ? [] : [line('rss', record.maxRss)]),
    ...record.outputs.map((output) =>
      line(
        'output',
        `${output.type} ${output.name} ${output.storage} ${output.size} ${output.checksum} ${output.path}`,
      ),
    ),
    ...(record.tail === undefined ? [] : record.tail.split('\n').map((text) => line('tail', text))),
    line('end', record.key),
  ];
  return `${lines.join('\n')}\n`;
}
