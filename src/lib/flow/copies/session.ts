// What one call of transfer works with: its options checked against the settings, its rules, its storage elements.

import { inOrder, type Rules, wantedCopies } from '../../domain/data/replicas.ts';
import type { HoldDoc } from '../../domain/hold.ts';
import { named } from '../../domain/named.ts';
import { compileTemplate } from '../../domain/storage/template.ts';
import { ConfigError } from '../../util/errors.ts';
import type { NamedFolder } from '../../util/files/folders.ts';
import { Pace } from '../../util/pace.ts';
import { given } from '../../util/values/given.ts';
import { activeHolds } from '../jobs/openholds.ts';
import type { Ports, StepOptions } from '../ports.ts';
import { Progress } from '../progress.ts';
import { applyBreakers } from './breakers.ts';
import { Sites } from './sites.ts';

export interface TransferOptions extends StepOptions {
  /** The only source: `buffer` or a storage element. */
  readonly from?: string;
  /** Only to these storage elements, beyond `copies.raw` if need be. */
  readonly to?: readonly string[];
  readonly levels?: readonly string[];
  readonly runs?: (run: number) => boolean;
  /** What failed is tried again at once. */
  readonly now?: boolean;
}

export interface Session {
  readonly ports: Ports;
  readonly options: TransferOptions;
  readonly levels: readonly string[];
  readonly sites: Sites;
  /** Its holds grow when transfers are cancelled while the call goes on. */
  rules: Rules;
  /** Those holds: they came after the call began. */
  canceled: readonly HoldDoc[];
  /** Files that may still be begun in this call. */
  left: number;
  /** Bytes per second at most, where there is a cap. */
  readonly pace?: Pace;
  readonly told: Progress;
  /** Nonces of the claims that this call made itself. */
  readonly own: Set<string>;
  /** Copies that a dry run takes for made: by `placeOf`. */
  readonly assumed: Set<string>;
}

/** One path at one site, as a key. */
export const placeOf = (site: string, path: string): string => JSON.stringify([site, path]);

/** @throws UsageError for names that do not exist; ConfigError when two folders are one */
export async function openSession(ports: Ports, options: TransferOptions): Promise<Session> {
  const { storages, buffers, copies, file } = ports.settings;
  if (storages.length === 0) {
    throw new ConfigError('no storage element is configured', {
      where: file,
      hint: 'add to dflow.yaml: storage: {disk: ./store}',
    });
  }
  const names = storages.map((storage) => storage.name);
  const known = [...new Set(buffers.map((buffer) => buffer.level))];
  for (const name of options.to ?? []) named('storage element', name, names);
  if (options.from !== undefined) named('source', options.from, ['buffer', ...names]);
  for (const level of options.levels ?? []) named('level', level, known);
  const sites = new Sites(ports);
  const now = await ports.store.now();
  const [holds] = await Promise.all([activeHolds(ports.store, now), applyBreakers(ports, sites, options.to)]);
  const wanted = new Set(options.to ?? wantedCopies(storages, copies.raw, holds));
  const templates = new Map(storages.map((storage) => [storage.name, compileTemplate(storage.template)]));
  const from = given({ from: options.from });
  const aside = sites.aside;
  const rules: Rules = {
    storages: inOrder(storages, holds),
    templates,
    wanted,
    holds,
    aside,
    gone: new Set(),
    ...from,
    ...given({ hurried: options.now }),
  };
  const { bandwidth } = ports.settings.transfer;
  const session = {
    ports,
    options,
    levels: options.levels ?? known,
    sites,
    rules,
    canceled: [],
    left: options.limit ?? Infinity,
    told: new Progress(ports),
    own: new Set<string>(),
    assumed: new Set<string>(),
    ...(bandwidth === undefined ? {} : { pace: new Pace(bandwidth) }),
  };
  await refuseSharedFolders(session);
  return session;
}

/** Two elements with one folder would count one copy twice; with a buffer, the original would count as its own copy. */
async function refuseSharedFolders({ ports, sites, rules, levels }: Session): Promise<void> {
  const { file } = ports.settings;
  const elements: NamedFolder[] = [];
  for (const { name } of rules.storages) {
    const folder = await sites.folder(name);
    if (folder !== undefined) elements.push({ name: `storage ${name}`, folder });
  }
  await ports.files.refuseSame(elements, file);
  for (const level of levels) {
    const name = `buffer ${level}`;
    const folder = await sites.folder(name);
    if (folder === undefined) continue;
    const buffer = { name, folder };
    for (const element of elements) await ports.files.refuseSame([buffer, element], file);
  }
}
