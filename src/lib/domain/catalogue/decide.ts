// What to say to the catalogue of one copy, after a look at what it has: it compares nothing itself. Pure.
import type { DueCopy } from './parts.ts';

/** What the catalogue has under the name of a file, as far as the decision asks. */
export type There =
  | undefined
  | { readonly kind: 'dataset' | 'other' }
  | {
      readonly kind: 'file';
      readonly size: number;
      readonly adler32?: string;
      readonly guid?: string;
      /** At the place of the copy. */
      readonly copy?: { readonly address: string; readonly state: 'available' | 'bad' | 'other' };
    };

/**
 * `add`: tell the copy. `good`: it was bad there, and is good again. `same`: it is there already. `bad`, `gone`: say so.
 * `forget`: nothing is there to be taken back. `refuse`: what is there is not this.
 */
export type Act = 'add' | 'good' | 'same' | 'bad' | 'gone' | 'forget' | 'refuse';

export interface Decided {
  readonly act: Act;
  /** Of a refusal. */
  readonly why?: string;
  /** The catalogue has the file without a GUID. */
  readonly guid?: true;
}

export interface Meant {
  readonly size: number;
  readonly adler32: string;
  readonly guid: string;
}

export function decide(due: Pick<DueCopy, 'do' | 'file'>, there: There, address: string): Decided {
  if (due.do !== 'add') return { act: takeBack(due.do, there, address) };
  if (there === undefined) return { act: 'add' };
  const [first] = due.file ? differences(due.file, there) : [];
  if (first) return { act: 'refuse', why: first.text };
  if (there.kind !== 'file') return { act: 'refuse', why: 'the name is not free' };
  const guid = there.guid === undefined ? { guid: true as const } : {};
  if (!there.copy) return { act: 'add', ...guid };
  if (!sameAddress(there.copy.address, address))
    return { act: 'refuse', why: `the catalogue has its copy there as ${there.copy.address}, dflow as ${address}` };
  return { act: there.copy.state === 'available' ? 'same' : 'good', ...guid };
}

/** Only what was told, at its own address, is taken back. */
function takeBack(what: 'bad' | 'gone', there: There, address: string): Act {
  const copy = there?.kind === 'file' ? there.copy : undefined;
  if (!copy || copy.state === 'bad' || !sameAddress(copy.address, address)) return 'forget';
  return what;
}

export interface Difference {
  readonly in: 'size' | 'checksum' | 'guid' | 'kind';
  readonly text: string;
}

/** In what the catalogue has another file under this name. */
export function differences(file: Meant, there: NonNullable<There>): Difference[] {
  if (there.kind !== 'file') return [{ in: 'kind', text: `the name is that of a ${there.kind} in the catalogue` }];
  const said = (what: string, theirs: string | number, ours: string | number): string =>
    `the catalogue has ${what} ${theirs}, dflow has ${ours}`;
  return [
    ...(there.size === file.size ? [] : [{ in: 'size' as const, text: said('size', there.size, file.size) }]),
    ...(there.adler32 === undefined || there.adler32 === file.adler32
      ? []
      : [{ in: 'checksum' as const, text: said('adler32', there.adler32, file.adler32) }]),
    ...(there.guid === undefined || there.guid === file.guid
      ? []
      : [{ in: 'guid' as const, text: said('GUID', there.guid, file.guid) }]),
  ];
}

/** Ports that go without saying. */
const PORTS: Readonly<Record<string, string>> = {
  root: '1094',
  xroot: '1094',
  https: '443',
  davs: '443',
  http: '80',
  dav: '80',
};

/** With the port that goes without saying: catalogues compare it with the one that they were told. */
export function withPort(address: string): string {
  const [, scheme = '', host = '', path = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/i.exec(address) ?? [];
  const port = PORTS[scheme.toLowerCase()];
  return port === undefined || /:\d+$/.test(host) ? address : `${scheme}://${host}:${port}${path}`;
}

/** The same place, however many slashes and which port that goes without saying. */
export function sameAddress(one: string, other: string): boolean {
  return plainAddress(one) === plainAddress(other);
}

export function plainAddress(address: string): string {
  const [, scheme = '', host = '', path = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/i.exec(address) ?? [];
  if (scheme === '') return address.replace(/\/{2,}/g, '/');
  const port = PORTS[scheme.toLowerCase()];
  const server = port !== undefined && host.endsWith(`:${port}`) ? host.slice(0, -port.length - 1) : host;
  // file://localhost:0/PATH, file://localhost/PATH and file:///PATH are one.
  const named = scheme === 'file' ? '' : server.toLowerCase();
  return `${scheme.toLowerCase()}://${named}/${path.replace(/^\/+/, '').replace(/\/{2,}/g, '/')}`;
}

/** The scope of a document's files. */
export function scopeOf(pattern: string, experiment: string, level: string): string {
  return pattern.replaceAll('{experiment}', experiment).replaceAll('{level}', level);
}
