// A catalogue in memory, for tests of flow: it passes the suite that Rucio passes, and can be away.
import {
  type Catalogue,
  type DidName,
  didText,
  type Known,
  type KnownCopy,
  type KnownFile,
  type Members,
  type NewCopy,
  type NewDataset,
  type Probe,
} from '../../src/lib/catalogue.ts';
import { CredentialsError, ItemError, UnreachableError } from '../../src/lib/util/errors.ts';

export interface MemoryWorld {
  readonly scopes: readonly string[];
  /** By place: what physical names there begin with. */
  readonly places: Readonly<Record<string, string>>;
}

interface File {
  readonly did: DidName;
  readonly size: number;
  readonly adler32: string;
  guid: string;
  readonly copies: Map<string, KnownCopy>;
}

interface Dataset {
  readonly did: DidName;
  readonly run: number;
  open: boolean;
  readonly files: Set<string>;
  readonly pins: Set<string>;
}

const bare = ({ scope, name }: DidName): DidName => ({ scope, name });

export class MemoryCatalogue implements Catalogue {
  readonly where = 'memory:catalogue';
  away = false;
  /** Every login is refused. */
  wrong = false;
  /** Calls, also those that found it away. */
  calls = 0;
  readonly known = new Map<string, File>();
  readonly sets = new Map<string, Dataset>();
  readonly #world: MemoryWorld;

  constructor(world: MemoryWorld) {
    this.#world = world;
  }

  #asked(): void {
    this.calls++;
    if (this.away) throw new UnreachableError('the catalogue cannot be reached: no answer', { where: this.where });
    if (this.wrong) throw new CredentialsError('the catalogue refuses the login', { where: this.where });
  }

  async look(names: readonly DidName[], places: readonly string[] = []): Promise<Map<string, Known>> {
    this.#asked();
    return new Map(
      names.flatMap((name): (readonly [string, Known])[] => {
        const text = didText(name);
        const file = this.known.get(text);
        if (file) return [[text, fileOf(file, places)]];
        const set = this.sets.get(text);
        return set ? [[text, { ...set.did, kind: 'dataset', open: set.open, run: set.run }]] : [];
      }),
    );
  }

  async addCopies(place: string, copies: readonly NewCopy[]): Promise<Map<string, string>> {
    this.#asked();
    const prefix = this.#world.places[place];
    if (prefix === undefined) throw new ItemError(`there is no place '${place}'`);
    const scope = copies.find((copy) => !this.#world.scopes.includes(copy.scope))?.scope;
    if (scope) throw new ItemError(`unknown scope '${scope}'`, { hint: 'correct catalogue.scope' });
    if (copies.some(({ address }) => !address.startsWith(prefix)))
      throw new ItemError('the physical name is not of this place', { hint: 'correct catalogue.rses' });
    const refused = new Map<string, string>();
    for (const { size, adler32, guid, address, ...did } of copies) {
      const text = didText(did);
      if (/\s/.test(did.name)) {
        refused.set(text, 'the name does not match');
        continue;
      }
      const file = this.known.get(text) ?? { did: bare(did), size, adler32, guid, copies: new Map() };
      if (!file.copies.has(place)) file.copies.set(place, { address, state: 'available', word: 'available' });
      this.known.set(text, file);
    }
    return refused;
  }

  async makeDatasets(datasets: readonly NewDataset[]): Promise<void> {
    this.#asked();
    for (const { run, ...did } of datasets)
      if (!this.sets.has(didText(did)))
        this.sets.set(didText(did), { did: bare(did), run, open: true, files: new Set(), pins: new Set() });
  }

  async attach(members: readonly Members[]): Promise<void> {
    this.#asked();
    for (const { dataset, files } of members) {
      const set = this.#set(dataset);
      if (!set.open) throw new ItemError(`${didText(dataset)} is closed`);
      for (const { name } of files) set.files.add(name);
    }
  }

  async contents(dataset: DidName): Promise<ReadonlySet<string>> {
    this.#asked();
    return new Set(this.sets.get(didText(dataset))?.files);
  }

  async close(dataset: DidName): Promise<void> {
    this.#asked();
    this.#set(dataset).open = false;
  }

  async pin(datasets: readonly DidName[], place: string): Promise<void> {
    this.#asked();
    for (const dataset of datasets) this.#set(dataset).pins.add(place);
  }

  async unpin(dataset: DidName, place: string): Promise<void> {
    this.#asked();
    this.sets.get(didText(dataset))?.pins.delete(place);
  }

  async declareBad(place: string, files: readonly DidName[]): Promise<void> {
    this.#state(place, files, 'bad');
  }

  async declareGood(place: string, files: readonly DidName[]): Promise<void> {
    this.#state(place, files, 'available');
  }

  async dropCopies(place: string, files: readonly DidName[]): Promise<void> {
    this.#asked();
    for (const file of files) {
      if (this.#isPinned(file, place)) this.#state(place, [file], 'bad');
      else this.known.get(didText(file))?.copies.delete(place);
    }
  }

  async setGuid(file: DidName, guid: string): Promise<void> {
    this.#asked();
    const found = this.known.get(didText(file));
    if (!found) throw new ItemError(`there is no file ${didText(file)}`);
    found.guid = guid;
  }

  async *files(scope: string): AsyncGenerator<DidName[], void, void> {
    this.#asked();
    yield [...this.known.values()].map(({ did }) => did).filter((did) => did.scope === scope);
  }

  async *probe(scopes: readonly string[], places: readonly string[]): AsyncGenerator<Probe, void, void> {
    this.#asked();
    const probe = (subject: string, ok: boolean): Probe => ({
      subject,
      ok,
      text: subject,
      ...(!ok && { next: 'mend' }),
    });
    yield probe('login', true);
    for (const scope of scopes) yield probe(`scope ${scope}`, this.#world.scopes.includes(scope));
    for (const place of places) yield probe(`place ${place}`, Object.hasOwn(this.#world.places, place));
  }

  async end(): Promise<void> {
    // Nothing is open.
  }

  #set(dataset: DidName): Dataset {
    const set = this.sets.get(didText(dataset));
    if (!set) throw new ItemError(`there is no dataset ${didText(dataset)}`);
    return set;
  }

  #isPinned({ name }: DidName, place: string): boolean {
    return [...this.sets.values()].some(({ files, pins }) => files.has(name) && pins.has(place));
  }

  #state(place: string, files: readonly DidName[], state: 'available' | 'bad'): void {
    this.#asked();
    for (const file of files) {
      const copies = this.known.get(didText(file))?.copies;
      const copy = copies?.get(place);
      if (copy) copies?.set(place, { ...copy, state, word: state });
    }
  }
}

function fileOf({ did, size, adler32, guid, copies }: File, places: readonly string[]): KnownFile {
  const wanted = [...copies].filter(([place]) => places.includes(place));
  return { ...did, kind: 'file', size, adler32, guid, copies: new Map(wanted) };
}
