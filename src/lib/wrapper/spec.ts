// What a job is, told to the wrapper: pure data, and its rendering as a shell file in which everything is quoted.
// Knows nothing of where the file goes or who runs it.
import { ConfigError } from '../util/errors.ts';
import { shellQuoted } from '../util/text/shell.ts';
import remote from './remote.sh';

export interface StageIn {
  /** Where the payload finds it: an absolute path or URL, or a name in the scratch folder when `copy` is set. */
  readonly source: string;
  readonly name: string;
  /** Copy to the scratch folder first, instead of reading it where it is. */
  readonly copy: boolean;
  /** Whose functions fetch it, where the source is not a path. */
  readonly protocol?: string;
  /** Name of the element where it is. */
  readonly storage?: string;
  /** Bytes, where the catalogue knows: what arrives is compared. */
  readonly size?: number;
  /** Eight lower-case hex digits, where the catalogue knows: what is fetched from a URL is compared. */
  readonly adler32?: string;
}

/** A storage element as the wrapper sees it; tried in order. */
export interface StageOut {
  readonly storage: string;
  /** Whose functions copy and check, where `folder` is not a path. */
  readonly protocol: string;
  /** Absolute folder or address below which `<execution>/<name>` is written. */
  readonly folder: string;
  /** The same folder as the storage element's relative path. */
  readonly path: string;
  /** A word for the protocol's `send`; for a folder the mode of its files, as `chmod` takes it. */
  readonly option?: string;
}

interface SpecOutput {
  readonly type: string;
  /** Final file name; safe characters only. */
  readonly name: string;
}

export interface JobSpec {
  readonly key: string;
  /** `109134/Processing/1.002`, for people and logs. */
  readonly ref: string;
  /** Shell text that sets up the release; empty: none. */
  readonly setup: string;
  /** Shell text of the payload; inputs are its arguments. */
  readonly command: string;
  readonly inputs: readonly StageIn[];
  /** Linked into the scratch folder: absolute paths, or names of what comes with the job into the folder it starts in. */
  readonly files: readonly string[];
  readonly outputs: readonly SpecOutput[];
  readonly env: Readonly<Record<string, string>>;
  /** Payload limit, seconds; 0: none. */
  readonly limit: number;
  readonly destinations: readonly StageOut[];
  /** By protocol: the shell functions of those that inputs and destinations name (remote.sh). */
  readonly protocols?: Readonly<Record<string, string>>;
  /** By `METHOD ADDRESS`: addresses by which a job without credentials may do that, for a while. Secrets. */
  readonly lent?: Readonly<Record<string, string>>;
  readonly cpus: number;
  /** MiB; absent: the batch system's default. */
  readonly memory?: number;
}

const KEY = /^[A-Za-z0-9][A-Za-z0-9_-]*\.\d+$/;
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.+-]*$/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Part of a function's name. */
const PROTOCOL = /^[a-z][a-z0-9]*$/;

/** Whether `key` is `<claim nonce>.<index>`, which is also safe as a file name. */
export function isKey(key: string): boolean {
  return KEY.test(key);
}

/** One shell word that means exactly `text`. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new ConfigError(`a NUL byte cannot be passed to a job: ${JSON.stringify(text)}`);
  return shellQuoted(text);
}

function check(pattern: RegExp, text: string, what: string, ref: string): string {
  if (pattern.test(text)) return text;
  throw new ConfigError(`${what} ${JSON.stringify(text)} has characters that a job cannot use`, {
    where: ref,
    hint: 'use letters, digits, - and _',
  });
}

/** A function that calls its argument once per row: `each_output() { "$1" 'counts' 'x.txt'; }` */
function visitor(name: string, rows: readonly (readonly string[])[]): string {
  const calls = rows.map((row) => `  "$1" ${row.map(quote).join(' ')}`);
  return `${name}() {\n${[...calls, '  :'].join('\n')}\n}`;
}

/** A function that runs its arguments with words of the job added at the end. */
function prefix(name: string, words: readonly string[], before = ''): string {
  return `${name}() {\n${before}  "$@"${words.map((word) => ` \\\n    ${word}`).join('')}\n}`;
}

function checkSpec(spec: JobSpec): void {
  check(KEY, spec.key, 'job key', spec.ref);
  for (const { type, name } of spec.outputs) {
    check(NAME, type, 'output type', spec.ref);
    check(WORD, name, 'output name', spec.ref);
  }
  for (const { storage, protocol, folder, path, option = '' } of spec.destinations) {
    if (isPath(folder)) check(/^[0-7]{0,4}$/, option, 'mode', spec.ref);
    check(WORD, storage, 'storage name', spec.ref);
    check(PROTOCOL, protocol, 'protocol', spec.ref);
    check(/^[^\n]*$/, path, 'output folder', spec.ref);
  }
  for (const name of Object.keys(spec.env)) check(NAME, name, 'environment variable', spec.ref);
  for (const { name, copy, adler32 = '', protocol = 'none' } of spec.inputs) {
    if (copy) check(/^[^/]+$/, name, 'input name', spec.ref);
    check(PROTOCOL, protocol, 'protocol', spec.ref);
    check(/^([0-9a-f]{8})?$/, adler32, 'checksum', spec.ref);
  }
}

const isPath = (place: string): boolean => place.startsWith('/');

/** What the job stages by functions of protocols: they come with the job file, and what is common to them. */
function remoteParts({ inputs, destinations, protocols = {}, lent = {} }: JobSpec): string[] {
  const far = [
    ...inputs.filter(({ source, copy }) => copy && !isPath(source)),
    ...destinations.filter(({ folder }) => !isPath(folder)),
  ];
  if (far.length === 0) return [];
  const used = new Set(far.map(({ protocol }) => protocol ?? ''));
  const scripts = Object.entries(protocols).filter(([name]) => used.has(name));
  return [remote, ...scripts.map(([name, script]) => `use_${name}() {\n${script}\n}`), lending(lent)];
}

/** A function that finds what was lent: `find_lent() { case "$1 $2" in 'GET https://...') lent='https://...' ;; ... }` */
function lending(lent: Readonly<Record<string, string>>): string {
  const cases = Object.entries(lent).map(([errand, address]) => `    ${quote(errand)}) lent=${quote(address)} ;;`);
  return ['find_lent() {', '  case "$1 $2" in', ...cases, '    *) return 1 ;;', '  esac', '}'].join('\n');
}

function inputRow({ source, name, copy, protocol = '', size, adler32 = '' }: StageIn): string[] {
  return [source, name, copy ? 'copy' : 'stream', protocol, size === undefined ? '' : String(size), adler32];
}

function destinationRow({ storage, protocol, folder, path, option = '' }: StageOut): string[] {
  return [storage, protocol, folder, path, option];
}

/**
 * The job file: shell text that the wrapper sources. Lists are functions, since a POSIX shell has no arrays; the last
 * line says that the file is whole.
 * @throws ConfigError a name that cannot be an environment variable or a file name
 */
export function renderSpec(spec: JobSpec): string {
  checkSpec(spec);
  const inputs = spec.inputs.map((input) => (input.copy ? `"$work"/${quote(input.name)}` : quote(input.source)));
  const env = [
    ...spec.outputs.map(({ type, name }) => `  export OUT_${type}="$work"/${quote(name)}`),
    ...Object.entries(spec.env).map(([name, value]) => `  export ${name}=${quote(value)}`),
  ];
  const lines = [
    `key=${quote(spec.key)}`,
    `ref=${quote(spec.ref)}`,
    `limit=${Math.ceil(spec.limit)}`,
    `version=${quote(spec.env.DFLOW_VERSION ?? '')}`,
    `memory=${spec.memory === undefined ? '' : Math.ceil(spec.memory)}`,
    `setup=${quote(spec.setup)}`,
    `command=${quote(spec.command)}`,
    `set_env() {\n${[...env, '  :'].join('\n')}\n}`,
    visitor(
      'each_file',
      spec.files.map((file) => [file]),
    ),
    visitor('each_input', spec.inputs.map(inputRow)),
    visitor(
      'each_output',
      spec.outputs.map(({ type, name }) => [type, name]),
    ),
    visitor('each_destination', spec.destinations.map(destinationRow)),
    prefix('with_inputs', inputs),
    prefix(
      'with_outputs',
      spec.outputs.map(({ name }) => `"$folder"/${quote(name)}`),
      '  folder=$1\n  shift\n',
    ),
    ...remoteParts(spec),
    'complete=yes',
  ];
  return `${lines.join('\n')}\n`;
}
