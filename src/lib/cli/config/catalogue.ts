// The catalogue of the collaboration: settings, what is wrong with them, and how it is opened.
import { resolve } from 'node:path';
import type { Catalogue } from '../../catalogue.ts';
import { noSuch } from '../../domain/named.ts';
import type { CatalogueSettings, Settings, StorageSettings } from '../../domain/settings.ts';
import { filedLogin, type Login } from '../../stores/shared/server/credentials.ts';
import { ConfigError, CredentialsError } from '../../util/errors.ts';
import { hide } from '../../util/text/secrets.ts';
import { MINUTE } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { CATALOGUES } from '../adapters.ts';
import type { Finding } from './findings/finding.ts';
import type { RawConfig } from './yaml/schema.ts';

type Raw = NonNullable<RawConfig['catalogue']>;
type Env = Readonly<Record<string, string | undefined>>;

export function catalogueOf(
  raw: Raw,
  storages: readonly StorageSettings[],
  { folder, file, env }: { readonly folder: string; readonly file: string; readonly env: Env },
): CatalogueSettings {
  const pathOf = (said: string): string => resolve(folder, said.startsWith('$') ? (env[said.slice(1)] ?? said) : said);
  const { user, proxy, token } = raw.auth;
  const auth: CatalogueSettings['auth'] =
    token !== undefined
      ? { by: 'token', path: pathOf(token) }
      : proxy !== undefined
        ? { by: 'proxy', path: pathOf(proxy) }
        : { by: 'user', user: user ?? '' };
  return {
    kind: raw.kind ?? 'rucio',
    url: raw.url.replace(/\/+$/, ''),
    account: raw.account,
    auth,
    scope: raw.scope ?? '{experiment}',
    places: Object.fromEntries(Object.entries(raw.rses).map(([name, said]) => [name, placeOf(name, said, storages)])),
    gate: raw.gate ?? false,
    timeout: raw.timeout ?? MINUTE,
    ...given({ ca: raw.ca === undefined ? undefined : pathOf(raw.ca) }),
    file,
  };
}

function placeOf(
  storage: string,
  said: Raw['rses'][string],
  storages: readonly StorageSettings[],
): CatalogueSettings['places'][string] {
  const long = typeof said === 'string' ? { name: said } : said;
  const element = storages.find(({ name }) => name === storage);
  const own = element?.mounted ? `file://localhost${element.url}` : (element?.url ?? '');
  return { name: long.name, url: (long.url ?? own).replace(/\/+$/, '') };
}

/** What is wrong with the key as a whole. Pure. */
export function catalogueFindings(raw: RawConfig, settings: Settings): Finding[] {
  const said = raw.catalogue;
  if (!said) return [];
  const names = settings.storages.map(({ name }) => name);
  const findings: Finding[] = Object.keys(said.rses)
    .filter((name) => !names.includes(name))
    .map((name) => ({ path: ['catalogue', 'rses', name], message: noSuch('storage element', name, names) }));
  const kind = said.kind ?? 'rucio';
  if (!Object.hasOwn(CATALOGUES, kind))
    findings.push({ path: ['catalogue', 'kind'], message: noSuch('catalogue', kind, Object.keys(CATALOGUES)) });
  const ways = Object.keys(said.auth).length;
  if (ways !== 1)
    findings.push({
      ...{ path: ['catalogue', 'auth'], message: `auth has ${ways} of user, proxy and token, and needs one` },
      hint: 'auth: {user: dflow}, with the password in the credentials file',
    });
  if (!/^https?:\/\/[^\s@/?#]+(\/[^\s@?#]*)?$/i.test(said.url))
    findings.push({
      ...{ path: ['catalogue', 'url'], message: 'the url is not an http(s) address without a login' },
      hint: 'url: https://rucio.example.org',
    });
  return [
    ...findings,
    ...scopeFindings(said.scope ?? '{experiment}', settings),
    ...shared(settings),
    ...gateFindings(settings),
  ];
}

/** Rucio takes 25 characters: letters, digits, dot, dash and underscore. */
const SCOPE = /^[A-Za-z0-9_.-]{1,25}$/;

function scopeFindings(scope: string, settings: Settings): Finding[] {
  const path = ['catalogue', 'scope'];
  const wrong = /\{(?!experiment\}|level\})[^}]*\}/.exec(scope)?.[0];
  if (wrong) return [{ path, message: `'${wrong}' is not known in a scope`, hint: 'scope: "{experiment}.{level}"' }];
  const levels = settings.buffers.map(({ level }) => level);
  return levels.slice(0, 1).flatMap((level) => {
    const made = scope.replaceAll('{experiment}', settings.experiment).replaceAll('{level}', level);
    if (SCOPE.test(made)) return [];
    return [
      { path, message: `'${made}' is not a scope: 1 to 25 of letters, digits, '.', '-' and '_'`, hint: 'scope: NAME' },
    ];
  });
}

/** Two elements at one RSE: a file has one physical name there. */
function shared({ catalogue }: Settings): Finding[] {
  const places = Object.entries(catalogue?.places ?? {});
  return places.flatMap(([storage, { name }], index): Finding[] => {
    const other = places.slice(0, index).find(([, before]) => before.name === name)?.[0];
    if (other === undefined) return [];
    return [{ path: ['catalogue', 'rses', storage], message: `${storage} and ${other} have the same RSE '${name}'` }];
  });
}

/** Outputs that are never registered would keep the jobs that read them waiting for ever. */
function gateFindings({ catalogue, farms }: Settings): Finding[] {
  if (!catalogue?.gate) return [];
  const unknown = new Map(
    farms.flatMap(({ name, output }) =>
      output.filter((storage) => !Object.hasOwn(catalogue.places, storage)).map((storage) => [storage, name] as const),
    ),
  );
  return [...unknown].map(([storage, farm]) => ({
    path: ['catalogue', 'gate'],
    message: `farm '${farm}' writes outputs to '${storage}', which has no RSE: jobs that read them would wait for ever`,
    hint: `rses: {${storage}: NAME_OF_THE_RSE}`,
  }));
}

/** A catalogue logs in when it is first asked; the password is that of the credentials file. */
export async function openCatalogue(settings: CatalogueSettings): Promise<Catalogue> {
  const adapter = Object.hasOwn(CATALOGUES, settings.kind) ? CATALOGUES[settings.kind] : undefined;
  if (!adapter) throw new ConfigError(noSuch('catalogue', settings.kind, Object.keys(CATALOGUES)));
  const { open } = await adapter.load();
  return open(settings, { login: () => passwordOf(settings) });
}

function passwordOf({ url, auth, file }: CatalogueSettings): Login {
  const { host } = new URL(url);
  const user = auth.by === 'user' ? auth.user : '';
  const login = filedLogin(host, process.env);
  if (!login)
    throw new CredentialsError(`the credentials file has no password for the catalogue at ${host}`, {
      where: file,
      hint: `add to ~/.config/dflow/credentials.yaml: ${host}: {user: ${user}, password: SECRET}; then: chmod 600 ~/.config/dflow/credentials.yaml`,
    });
  hide(login.password);
  return { user, password: login.password };
}
