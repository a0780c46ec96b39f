// The database of run tables of a configuration: its adapter is loaded, and the server asked, when somebody wants a table.
import { noSuch } from '../domain/named.ts';
import type { RunTablesSettings } from '../domain/settings.ts';
import type { Ratdb } from '../runtables.ts';
import { ConfigError } from '../util/errors.ts';
import { splitAddress } from '../util/text/secrets.ts';
import { given } from '../util/values/given.ts';
import { nameForScheme, schemesOf } from './adapter.ts';
import { RATDBS } from './adapters.ts';

/** `undefined` where the configuration does not name a database. */
export function lazyRatdb(tables: Partial<RunTablesSettings>, env: NodeJS.ProcessEnv): Ratdb | undefined {
  const { source, detector, queries, writeBack = true } = tables;
  if (source === undefined || !queries) return undefined;
  const settings = { source, queries, writeBack, ...given({ detector }) };
  let opened: Promise<Ratdb> | undefined;
  const ratdb = (): Promise<Ratdb> => {
    opened ??= openRatdb(settings, env);
    return opened;
  };
  const { host = '', path = '' } = splitAddress(source) ?? {};
  return {
    where: `postgres://${host}${path}`,
    revisions: async (names, runs, tag) => (await ratdb()).revisions(names, runs, tag),
    lookup: async (name, index, runs, tag) => (await ratdb()).lookup(name, index, runs, tag),
    states: async (runs) => (await ratdb()).states(runs),
    foretell: async (tables) => (await ratdb()).foretell(tables),
    write: async (tables, tag) => (await ratdb()).write(tables, tag),
    check: async (writes) => (await ratdb()).check(writes),
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

async function openRatdb(settings: RunTablesSettings, env: NodeJS.ProcessEnv): Promise<Ratdb> {
  const scheme = settings.source.split(':', 1)[0] ?? '';
  const name = nameForScheme(RATDBS, scheme);
  const adapter = name === undefined ? undefined : RATDBS[name];
  if (!adapter)
    throw new ConfigError(noSuch('database of run tables', scheme, schemesOf(RATDBS)), {
      hint: 'tables: {source: postgres://db.example.org/ratdb}',
    });
  return (await adapter.load()).open(settings, env);
}
