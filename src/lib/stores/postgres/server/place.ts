// The address of a PostgreSQL store taken apart: `postgres://[user[:password]@]host[:port][,host[:port]...]/database[/schema]`.
import { ConfigError } from '../../../util/errors.ts';
import { decodeLogin, splitAddress, withoutSecrets } from '../../../util/text/secrets.ts';

export interface Host {
  readonly host: string;
  readonly port: number;
}

/** As libpq has them. */
const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof MODES)[number];
const TARGETS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const;
type Target = (typeof TARGETS)[number];

export interface Place {
  /** Tried in this order. */
  readonly hosts: readonly Host[];
  readonly database: string;
  readonly schema: string;
  readonly user?: string;
  readonly password?: string;
  /** Without a login, for messages. */
  readonly where: string;
  readonly sslmode: SslMode;
  /** Files: of authorities, and the client's own certificate and key. */
  readonly files: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Which of several servers a reader wants; a writer needs one that takes writes. */
  readonly target: Target;
}

/** What a database is for, in messages; `schema`: where the address names none. */
export interface Purpose {
  readonly what: string;
  readonly example: string;
  readonly schema: string;
}

const PORT = 5432;
/** Where Debian and Red Hat have the server's socket. */
const SOCKET = '/var/run/postgresql';
const STORE: Purpose = { what: 'store', example: 'store: postgres://db.example.org/dflow', schema: 'dflow' };
const OPTIONS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'target_session_attrs'];

/** @throws ConfigError for what is not the address of a database */
export function parsePlace(text: string, { what, example, schema: usual }: Purpose = STORE): Place {
  const bare = withoutSecrets(text);
  const wrong = (message: string, hint = example): ConfigError => new ConfigError(message, { where: bare, hint });
  const address = splitAddress(text);
  if (!address) throw wrong(`the ${what} is not a URL`);
  const [database = '', schema = usual, more] = address.path.split('/').filter(Boolean).map(decoded);
  if (database === '') throw wrong(`the URL of the ${what} names no database`);
  if (more !== undefined || !/^([a-z_][a-z0-9_]{0,62})?$/.test(schema)) {
    throw wrong('a schema has lower-case letters, digits and underscores', `${example}/schema`);
  }
  const options = new Map(new URLSearchParams(address.query ?? ''));
  const unknown = [...options.keys()].find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined)
    throw wrong(`'${unknown}' is not an option of the URL of the ${what}: ${OPTIONS.join(', ')}`);
  const chosen = <T extends string>(name: string, among: readonly T[], otherwise: T): T => {
    const asked = options.get(name) ?? otherwise;
    const found = among.find((one) => one === asked);
    if (found === undefined) throw wrong(`'${asked}' is not a ${name}: ${among.join(', ')}`);
    return found;
  };
  const login = address.login === undefined ? undefined : decodeLogin(address.login);
  const schemaPath = schema === usual ? '' : `/${schema}`;
  return {
    hosts: address.host.split(',').map((one) => hostOf(one, wrong)),
    database,
    schema,
    ...(login && login.user !== '' && { user: login.user }),
    ...(login && login.password !== '' && { password: login.password }),
    where: `postgres://${address.host}/${encodeURIComponent(database)}${schemaPath}`,
    sslmode: chosen('sslmode', MODES, 'prefer'),
    files: filesOf(options),
    target: chosen('target_session_attrs', TARGETS, 'any'),
  };
}

function hostOf(text: string, wrong: (what: string) => ConfigError): Host {
  if (text === '') return { host: SOCKET, port: PORT };
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]*))(?::(\d+))?$/i.exec(text);
  const port = Number(match?.[3] ?? PORT);
  const host = decoded(match?.[1] ?? match?.[2] ?? '');
  if (host === '' || port < 1 || port > 65_535) throw wrong(`'${text}' is not a host of a PostgreSQL server`);
  return { host, port };
}

function filesOf(options: ReadonlyMap<string, string>): Place['files'] {
  const [ca, cert, key] = ['sslrootcert', 'sslcert', 'sslkey'].map((name) => options.get(name));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
