// A catalogue of the collaboration: contract. Implementations are the folders of catalogues/; one suite tests them all.
// It knows files by scope and name, in datasets, with copies at places of its own naming. dflow's own documents stay the
// truth about what dflow does: the catalogue is told, and asked before it is told.
import type { CatalogueSettings } from './domain/settings.ts';

/** What a file or a dataset is called there. */
export interface DidName {
  readonly scope: string;
  readonly name: string;
}

/** `snoplus:SNOP_0000109134_002.zdab`: the key of answers. */
export const didText = ({ scope, name }: DidName): string => `${scope}:${name}`;

/** A copy that the catalogue is told. */
export interface NewCopy extends DidName {
  /** Bytes. */
  readonly size: number;
  /** Eight lower-case hex digits. */
  readonly adler32: string;
  readonly guid: string;
  /** Physical name at the place: `root://se.example.org//snoplus/L1/109/SNOP_0000109134_002.zdab`. */
  readonly address: string;
}

export interface KnownCopy {
  readonly address: string;
  /** `bad`: declared bad. `other`: neither that nor available; `word` is the catalogue's own. */
  readonly state: 'available' | 'bad' | 'other';
  readonly word: string;
}

export interface KnownFile extends DidName {
  readonly kind: 'file';
  readonly size: number;
  /** Lower case; absent where the catalogue has none. */
  readonly adler32?: string;
  readonly guid?: string;
  /** By place. */
  readonly copies: ReadonlyMap<string, KnownCopy>;
}

interface KnownDataset extends DidName {
  readonly kind: 'dataset';
  readonly open: boolean;
  readonly run?: number;
}

/** What has a name that is wanted, and is neither. */
interface KnownOther extends DidName {
  readonly kind: 'other';
  readonly word: string;
}

export type Known = KnownFile | KnownDataset | KnownOther;

export interface NewDataset extends DidName {
  readonly run: number;
}

/** Members of one dataset. */
export interface Members {
  readonly dataset: DidName;
  readonly files: readonly DidName[];
}

/** What was not taken of many, and why, by `didText`; the others were. */
export type Refused = ReadonlyMap<string, string>;

/** One thing that login, scope or place needs, for `doctor`. */
export interface Probe {
  /** `login`, `scope NAME`, `place NAME`. */
  readonly subject: string;
  readonly ok: boolean;
  readonly text: string;
  /** What a person does about it. */
  readonly next?: string;
}

/**
 * Errors: UnreachableError (away, or too busy), CredentialsError (login refused), ItemError (this call: a scope, a place
 * or a right is missing). Every change may be repeated without harm.
 */
export interface Catalogue {
  /** Address without credentials. */
  readonly where: string;
  /** What is known under these names; unknown ones are absent. Files have their copies at `places`; at none without it. */
  look(names: readonly DidName[], places?: readonly string[]): Promise<Map<string, Known>>;
  /**
   * Tells of copies at a place. The catalogue compares nothing: whoever calls has looked.
   * @returns files that were refused one by one
   */
  addCopies(place: string, copies: readonly NewCopy[]): Promise<Refused>;
  /** Makes datasets that do not exist. */
  makeDatasets(datasets: readonly NewDataset[]): Promise<void>;
  /** Puts files into open datasets; those that are in it stay. */
  attach(members: readonly Members[]): Promise<void>;
  /** Names of the files in a dataset; none where it does not exist. */
  contents(dataset: DidName): Promise<ReadonlySet<string>>;
  /** Closes a dataset; a closed one stays as it is. */
  close(dataset: DidName): Promise<void>;
  /** Keeps the copies that datasets have at a place from being deleted. Every file of them must have one there. */
  pin(datasets: readonly DidName[], place: string): Promise<void>;
  /** Ends that. */
  unpin(dataset: DidName, place: string): Promise<void>;
  declareBad(place: string, files: readonly DidName[], reason: string): Promise<void>;
  /** A copy that was declared bad was made again. */
  declareGood(place: string, files: readonly DidName[]): Promise<void>;
  /** Copies that are gone, and that nothing pins. */
  dropCopies(place: string, files: readonly DidName[]): Promise<void>;
  /** Corrects the GUID of a file. */
  setGuid(file: DidName, guid: string): Promise<void>;
  /** Names of all files of a scope, in pages. */
  files(scope: string): AsyncGenerator<DidName[], void, void>;
  /** Looks whether login, scopes and places are there and may be used. */
  probe(scopes: readonly string[], places: readonly string[]): AsyncGenerator<Probe, void, void>;
  /** Ends its connections. */
  end(): Promise<void>;
}

export interface CatalogueOptions {
  /** The login of the server, where the configuration names a user. @throws CredentialsError */
  readonly login: () => { readonly user: string; readonly password: string };
  /** Milliseconds since any moment; a clock that nobody sets. */
  readonly clock?: () => number;
}

/** What a folder of catalogues/ exports. */
export interface CatalogueModule {
  open(settings: CatalogueSettings, options: CatalogueOptions): Promise<Catalogue>;
}
