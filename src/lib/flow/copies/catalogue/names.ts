// What files, datasets and storage elements are called in the catalogue of the collaboration, and what it has of them.
import type { DidName, Known } from '../../../catalogue.ts';
import { scopeOf, type There, withPort } from '../../../domain/catalogue/decide.ts';
import { datasetName, didName, type Holder } from '../../../domain/catalogue/parts.ts';
import type { CatalogueSettings } from '../../../domain/settings.ts';
import { ConfigError, ItemError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import type { ReadPorts } from '../../ports.ts';

/** Where names come from. */
export interface Naming {
  readonly ports: Pick<ReadPorts, 'settings'>;
  readonly settings: CatalogueSettings;
}

/** The settings of the catalogue, and what opens it. @throws ConfigError none is configured */
export function requireCatalogue<P extends ReadPorts>(
  ports: P,
): { readonly settings: CatalogueSettings; readonly open: NonNullable<P['catalogue']> } {
  const { catalogue: settings, file } = ports.settings;
  if (settings && ports.catalogue) return { settings, open: ports.catalogue };
  throw new ConfigError('no catalogue is configured', {
    where: file,
    hint: 'add the key catalogue to dflow.yaml: docs/catalogue.md',
  });
}

export const isKnownAt =
  ({ settings }: Pick<Naming, 'settings'>) =>
  (storage: string): boolean =>
    Object.hasOwn(settings.places, storage);

/** What the catalogue calls a storage element. */
export function placeOf({ settings }: Pick<Naming, 'settings'>, storage: string): string {
  const place = settings.places[storage];
  if (!place) throw new ItemError(`storage element '${storage}' is not in catalogue.rses`);
  return place.name;
}

/** The physical name of a path at a storage element. */
export function addressOf({ settings }: Pick<Naming, 'settings'>, storage: string, path: string): string {
  return withPort(`${settings.places[storage]?.url ?? ''}/${path}`);
}

/** The scopes that documents may have. */
export function scopesOf({ ports, settings }: Naming): string[] {
  const { experiment, buffers } = ports.settings;
  return [...new Set(buffers.map(({ level }) => scopeOf(settings.scope, experiment, level)))];
}

function scopeFor({ ports, settings }: Naming, { level }: Holder): string {
  return scopeOf(settings.scope, ports.settings.experiment, level);
}

export function fileDid(naming: Naming, doc: Holder, name: string): DidName {
  return { scope: scopeFor(naming, doc), name: didName(doc.catalogue, name) };
}

export function datasetDid(naming: Naming, doc: Holder, part: string, late = false): DidName {
  return { scope: scopeFor(naming, doc), name: datasetName(doc, part, late) };
}

/** What the catalogue has of a file, with its copy at a place. */
export function thereOf(known: Known | undefined, place: string): There {
  if (known?.kind !== 'file') return known && { kind: known.kind };
  const { size, adler32, guid, copies } = known;
  return { kind: 'file', size, ...given({ adler32, guid, copy: copies.get(place) }) };
}
