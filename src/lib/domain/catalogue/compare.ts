// dflow and the catalogue of the collaboration side by side, of one document: what each has and the other has not. Pure.
import type { Difference, There } from './decide.ts';
import { differences, sameAddress } from './decide.ts';
import { type Holder, type PartFile, toldCopies } from './parts.ts';
import { toldPath } from './said.ts';

type Way = Difference['in'] | 'missing there' | 'missing here' | 'path' | 'state' | 'dataset';

/** One thing in which they differ. */
export interface Found {
  readonly in: Way;
  readonly part: string;
  readonly name: string;
  /** Absent where it is of the file everywhere. */
  readonly storage?: string;
  /** The physical name there. */
  readonly address?: string;
  readonly text: string;
  readonly file?: PartFile;
}

/** What the catalogue has of a file at a storage element. */
export type Known = (storage: string) => There;

/** Differences of one file. What was not told yet is not one: sync tells it. */
export function compareFile(
  doc: Holder,
  file: PartFile,
  storages: readonly string[],
  known: Known,
  addressOf: (storage: string, path: string) => string,
): Found[] {
  const { part, name } = file;
  const told = storages.filter((storage) => toldPath(doc.catalogue, storage, part, name) !== undefined);
  const first = storages.map(known).find((there) => there !== undefined);
  if (first === undefined) return told.map((storage) => lacking(file, storage));
  // A name that sync has not come to may be anybody's.
  const claimed = told.length > 0 || doc.catalogue?.refused?.[name] !== undefined;
  const whole = !claimed ? [] : differences(file, first);
  if (whole.length > 0) return whole.map(({ in: way, text }) => ({ in: way, part, name, text, file }));
  return storages.flatMap((storage) => {
    const there = known(storage);
    const copy = there?.kind === 'file' ? there.copy : undefined;
    const mine = file.copies.find((one) => one.storage === storage);
    const common = { part, name, storage, file };
    if (!copy) return told.includes(storage) && mine?.state.is === 'good' ? [lacking(file, storage)] : [];
    if (!mine)
      return copy.state === 'bad'
        ? []
        : [
            {
              ...common,
              in: 'missing here' as const,
              address: copy.address,
              text: `the catalogue has a copy at ${storage}, dflow has none`,
            },
          ];
    const path = toldPath(doc.catalogue, storage, part, name);
    if ((path === undefined && !claimed) || mine.state.is !== 'good') return [];
    const address = addressOf(storage, mine.path);
    if (!sameAddress(copy.address, address))
      return [{ ...common, in: 'path' as const, text: `the catalogue has ${copy.address}, dflow has ${address}` }];
    if (copy.state === 'available') return [];
    return [
      { ...common, in: 'state' as const, text: `the catalogue calls the copy ${copy.state}, dflow has found it good` },
    ];
  });
}

function lacking(file: PartFile, storage: string): Found {
  const { part, name } = file;
  return {
    in: 'missing there',
    part,
    name,
    storage,
    text: `dflow has a copy at ${storage}, the catalogue has none`,
    file,
  };
}

/**
 * What the catalogue has of one copy. `yes`: the same, and available. `no`: it has no copy there. `bad`: it calls the copy
 * bad. `differs`: it has another size, checksum, GUID, physical name or state.
 */
export type Registered = 'yes' | 'no' | 'bad' | 'differs';

export function registeredAs(
  file: PartFile,
  there: There,
  address?: string,
): { readonly registered: Registered; readonly difference?: string } {
  if (there === undefined) return { registered: 'no' };
  const others = differences(file, there);
  if (others.length > 0) return { registered: 'differs', difference: others.map(({ text }) => text).join('; ') };
  const copy = there.kind === 'file' ? there.copy : undefined;
  if (!copy) return { registered: 'no' };
  if (address !== undefined && !sameAddress(copy.address, address))
    return { registered: 'differs', difference: `it has ${copy.address}` };
  if (copy.state === 'bad') return { registered: 'bad' };
  if (copy.state === 'available') return { registered: 'yes' };
  return { registered: 'differs', difference: 'its copy is neither available nor bad there' };
}

/** Members of a closed part that its dataset shall have. */
export function membersOf(doc: Holder, files: readonly PartFile[], part: string): string[] {
  const told = new Set(toldCopies(doc.catalogue).flatMap((one) => (one.part === part ? one.name : [])));
  return files.filter((file) => file.part === part && !file.late && told.has(file.name)).map(({ name }) => name);
}

/** A difference, with the document that it is of. */
export interface DocFound extends Found {
  readonly doc: Holder;
}
