// The names of a selection: one that nothing has is a misspelling, never an empty result. The configuration is asked
// first, then the store: by counts of views, so that it costs the same whatever the store holds.
import { globMatch } from '../../../domain/hold.ts';
import { requestId } from '../../../domain/ids.ts';
import { knownCauses } from '../../../domain/jobs/policy.ts';
import { type Named, noSuchError } from '../../../domain/named.ts';
import type { Selection } from '../../../domain/selection.ts';
import { idsWith } from '../../../store.ts';
import { views } from '../../../views/index.ts';
import type { ReadPorts } from '../../ports.ts';

type Asked = Pick<ReadPorts, 'store' | 'settings'>;

/** The names that a selection says, besides states and times. */
type Names = Pick<Selection, 'modules' | 'causes' | 'versions' | 'labels' | 'requests' | 'sites' | 'levels'> & {
  /** Of copies. */
  readonly storages?: readonly string[] | undefined;
};

/** @throws UsageError for a name that there is not, with the near miss */
export async function checkNamed(ports: Asked, names: Names): Promise<void> {
  const { store, settings } = ports;
  const { farms, storages, buffers, badModules } = settings;
  const versions = [...Object.keys(settings.modules), ...badModules.map(({ version }) => version)];
  await Promise.all([
    checkModules(ports, names),
    checkCauses(ports, names),
    check('version', names.versions, versions, async () => firstKeys(await store.count(views.jobCounts, 1))),
    check('label', names.labels, [], async () => firstKeys(await store.count(views.labels, 1))),
    check('request', names.requests, [], () => requestsLike(ports, names.requests ?? [])),
    check(
      'farm',
      names.sites,
      farms.map(({ name }) => name),
      () => seenFarms(ports),
    ),
    check(
      'level',
      names.levels,
      buffers.map(({ level }) => level),
      async () => (await store.count(views.buffer, 2)).map(({ key }) => key[1]),
    ),
    check(
      'storage element',
      names.storages,
      storages.map(({ name }) => name),
      async () => firstKeys(await store.count(views.replicas, 1)),
    ),
  ]);
}

/** What no pattern selects. */
const WHOLE: ReadonlySet<Named> = new Set(['label', 'farm']);

/** `met`: what the store knows besides, asked only where the configuration has no such name. */
async function check(
  what: Named,
  asked: readonly string[] | undefined,
  known: readonly string[],
  met: () => Promise<readonly string[]>,
): Promise<void> {
  const missing = (names: readonly string[]): string | undefined =>
    asked?.find((one) => one !== '' && !names.some((name) => (WHOLE.has(what) ? one === name : globMatch(one, name))));
  if (missing(known) === undefined) return;
  const all = new Set([...known, ...(await met())]);
  const wrong = missing([...all]);
  if (wrong !== undefined) throw noSuchError(what, wrong, all);
}

const firstKeys = (groups: readonly { readonly key: readonly [string, ...unknown[]] }[]): string[] =>
  groups.map(({ key }) => key[0]);

/** Requests with passes, and those of these names that have none yet. */
async function requestsLike({ store }: Asked, asked: readonly string[]): Promise<string[]> {
  const counted = firstKeys(await store.count(views.jobsByRequest, 1));
  const docs = await store.get(asked.map(requestId));
  return [...counted, ...asked.filter((name) => docs.has(requestId(name)))];
}

/** Farms that have ever answered: one that the configuration lost may have run the passes. */
async function seenFarms({ store }: Asked): Promise<string[]> {
  const docs = await store.range(idsWith('farm:'));
  return docs.map(({ _id: id }) => id.slice('farm:'.length));
}

/** A module pattern that matches nothing is a misspelling, never an empty result. */
export async function checkModules({ store, settings }: Asked, selection: Pick<Selection, 'modules'>): Promise<void> {
  const defined = Object.values(settings.modules).flatMap((file) => Object.keys(file.modules));
  const missing = (names: readonly string[]): string | undefined => {
    return selection.modules?.find((pattern) => !names.some((name) => globMatch(pattern, name)));
  };
  // What a file with mistakes defines is not known.
  if (missing(defined) === undefined || settings.badModules.length > 0) return;
  const counts = await store.count(views.jobCounts, 2);
  const known = [...new Set([...defined, ...counts.map(({ key }) => key[1])])];
  const pattern = missing(known);
  if (pattern === undefined) return;
  throw noSuchError('module', pattern, known);
}

/** A cause that neither the policy nor any failure knows is a misspelling: silence would look like "nothing failed". */
async function checkCauses({ store, settings }: Asked, { causes }: Pick<Selection, 'causes'>): Promise<void> {
  if (!causes || settings.badModules.length > 0) return;
  const known = knownCauses(settings);
  const strange = causes.filter((cause) => cause !== '' && !known.has(cause) && !/^(exit|signal)-\d+$/.test(cause));
  if (strange.length === 0) return;
  const met = (await store.count(views.causes, 1)).map(({ key }) => key[0]);
  const wrong = strange.find((cause) => !met.includes(cause));
  if (wrong === undefined) return;
  throw noSuchError('cause', wrong, new Set([...met, ...known]));
}
