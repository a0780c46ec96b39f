// Rucio's answers: JSON lines, read field by field, since any field may be missing.
import type { DidName, Known, KnownCopy, KnownFile } from '../../catalogue.ts';
import { field } from '../../util/values/field.ts';
import { given } from '../../util/values/given.ts';

/** Objects of a stream, one a line; a whole JSON value is one line, too. */
export function linesOf(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as unknown);
}

const textOf = (value: unknown, name: string): string | undefined => {
  const found = field(value, name);
  return typeof found === 'string' && found !== '' ? found : undefined;
};
const numberOf = (value: unknown, name: string): number | undefined => {
  const found = field(value, name);
  return typeof found === 'number' ? found : undefined;
};

export function nameOf(line: unknown): DidName {
  return { scope: textOf(line, 'scope') ?? '', name: textOf(line, 'name') ?? '' };
}

/** What `POST /dids/bulkmeta` says of one name. */
export function knownOf(line: unknown): Known {
  const name = nameOf(line);
  const word = textOf(line, 'did_type') ?? '';
  if (word === 'DATASET')
    return {
      ...name,
      kind: 'dataset',
      open: field(line, 'is_open') === true,
      ...given({ run: numberOf(line, 'run_number') }),
    };
  if (word !== 'FILE') return { ...name, kind: 'other', word: word.toLowerCase() };
  const adler32 = textOf(line, 'adler32')?.toLowerCase();
  const guid = textOf(line, 'guid');
  return {
    ...name,
    kind: 'file',
    size: numberOf(line, 'bytes') ?? -1,
    copies: new Map(),
    ...given({ adler32, guid: guid && dashed(guid) }),
  };
}

/** The copies that `POST /replicas/list` says of one file, by RSE. */
export function withCopies(file: KnownFile, line: unknown): KnownFile {
  const addresses = field(line, 'rses');
  const states = field(line, 'states');
  const copies = new Map<string, KnownCopy>();
  for (const [place, found] of Object.entries(typeof addresses === 'object' && addresses !== null ? addresses : {})) {
    const word = textOf(states, place) ?? 'UNKNOWN';
    const address = Array.isArray(found) ? String(found[0] ?? '') : '';
    copies.set(place, { address, word: word.toLowerCase(), state: stateOf(word) });
  }
  return { ...file, copies };
}

function stateOf(word: string): KnownCopy['state'] {
  if (word === 'AVAILABLE') return 'available';
  return word === 'BAD' ? 'bad' : 'other';
}

/** Rucio keeps a GUID without dashes, in any case. */
function dashed(guid: string): string {
  const hex = guid.replace(/[^0-9a-fA-F]/g, '').toLowerCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export const undashed = (guid: string): string => guid.replaceAll('-', '');
