// What the in-memory CouchDB lacks: users, `_security`, and `validate_doc_update`. As long as there is no user, everybody is
// an admin. Where there are users, `admin` is the server's admin, with any password.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { runInNewContext } from 'node:vm';

/** What is used of express. */
export interface Request extends IncomingMessage {
  readonly path: string;
  body?: unknown;
}
export interface Response extends ServerResponse {
  status(code: number): Response;
  json(body: unknown): void;
}
export type Next = (error?: unknown) => void;
export interface Router {
  use(handler: (request: Request, response: Response, next: Next) => void): void;
}

interface Context {
  readonly name: string | null;
  readonly roles: readonly string[];
}
interface UserDoc {
  readonly _rev: string;
  readonly name: string;
  readonly password: string;
  readonly roles: readonly string[];
}
interface Names {
  readonly names?: readonly string[];
  readonly roles?: readonly string[];
}
interface Security {
  readonly admins?: Names;
  readonly members?: Names;
}
export type Json = Record<string, unknown>;
type Validate = (doc: Json, before: Json | null, user: Context & { db: string }, security: Security) => void;

/** What is used of a PouchDB database. */
export interface Database {
  allDocs(options: object): Promise<{ rows: { doc?: Json | null }[] }>;
  bulkDocs(docs: Json[], options?: object): Promise<Json[]>;
}

const CLOSED: Security = { admins: { roles: ['_admin'] }, members: { roles: ['_admin'] } };
const MAY_NOT = 'You are not allowed to access this db.';

const answer = (response: Response, status: number, error: string, reason: string): void =>
  void response.status(status).json({ error, reason });

/** Its engine takes a function without a name, as CouchDB's does. */
function compiled(source: string): Validate {
  if (/^\s*function\s+\w/.test(source)) throw new Error('compilation_error: Expression does not eval to a function.');
  return runInNewContext(`(${source})`) as Validate;
}

const within = ({ name, roles }: Context, list: Names = {}): boolean =>
  (name !== null && list.names?.includes(name) === true) || roles.some((role) => list.roles?.includes(role));

/** Puts rights in front of the server's own routes. */
export function withRights(
  router: Router,
  parse: (request: Request) => Promise<unknown>,
  open: (name: string) => Database,
): void {
  const users = new Map<string, UserDoc>();
  const securities = new Map<string, Security>();
  const rules = new Map<string, Map<string, Validate>>();

  const contextOf = ({ headers }: Request): Context | undefined => {
    const login = Buffer.from(headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString('utf8');
    const [name = '', password] = [login.slice(0, login.indexOf(':')), login.slice(login.indexOf(':') + 1)];
    if (users.size === 0 || name === 'admin') return { name: name || null, roles: ['_admin'] };
    if (login === '') return { name: null, roles: [] };
    const user = users.get(name);
    return user?.password === password ? { name, roles: user.roles } : undefined;
  };

  /** What a rule says against a write; `undefined`: nothing. */
  const refusal = (db: string, doc: Json, before: Json | null, user: Context): string | undefined => {
    for (const validate of rules.get(db)?.values() ?? []) {
      try {
        const copy = JSON.parse(JSON.stringify([doc, before])) as [Json, Json | null];
        validate(...copy, { db, ...user }, securities.get(db) ?? CLOSED);
      } catch (error) {
        return String((error as { forbidden?: string }).forbidden ?? error);
      }
    }
    return undefined;
  };

  async function usersRoute(request: Request, response: Response, user: Context): Promise<void> {
    if (!user.roles.includes('_admin')) return answer(response, 401, 'unauthorized', 'You are not a server admin.');
    const id = decodeURIComponent(request.path.slice('/_users/'.length));
    if (id === '_all_docs') {
      const rows = [...users].map(([name, doc]) => ({
        id: `org.couchdb.user:${name}`,
        doc: { ...doc, password: undefined },
      }));
      return void response.json({ rows });
    }
    const name = id.replace(/^org\.couchdb\.user:/, '');
    const there = users.get(name);
    if (request.method === 'GET') {
      if (!there) return answer(response, 404, 'not_found', 'missing');
      return void response.json({ ...there, password: undefined });
    }
    const body = (await parse(request)) as UserDoc;
    if (there && body._rev !== there._rev) return answer(response, 409, 'conflict', 'Document update conflict.');
    const rev = `${Number.parseInt(there?._rev ?? '0', 10) + 1}-a`;
    users.set(name, { ...body, password: body.password ?? there?.password ?? '', _rev: rev });
    response.status(201).json({ ok: true, id, rev });
  }

  async function write(request: Request, response: Response, next: Next, db: string, user: Context): Promise<void> {
    const [, , ...rest] = request.path.split('/');
    const id = decodeURIComponent(rest.join('/'));
    const body = (await parse(request)) as Json;
    if (id.startsWith('_design/')) {
      if (!user.roles.includes('_admin') && !within(user, (securities.get(db) ?? CLOSED).admins))
        return answer(response, 401, 'unauthorized', 'You are not a db or server admin.');
      const mine = rules.get(db) ?? new Map<string, Validate>();
      const source = request.method === 'PUT' ? body.validate_doc_update : undefined;
      if (typeof source === 'string') mine.set(id, compiled(source));
      else mine.delete(id);
      rules.set(db, mine);
      return next();
    }
    if (id.startsWith('_local/') || body.new_edits === false || !rules.get(db)?.size) return next();
    const docs = id === '_bulk_docs' ? (body.docs as Json[]) : [{ ...body, _id: id }];
    const keys = docs.map((doc) => doc._id);
    const before = await open(db).allDocs({ keys, include_docs: true });
    const said = docs.map((doc, at) => refusal(db, doc, before.rows[at]?.doc ?? null, user));
    if (id !== '_bulk_docs') return said[0] === undefined ? next() : answer(response, 403, 'forbidden', said[0]);
    const written = await open(db).bulkDocs(docs.filter((_, at) => said[at] === undefined));
    let place = 0;
    const rows = docs.map((doc, at): Json => {
      if (said[at] !== undefined) return { id: doc._id, error: 'forbidden', reason: said[at] };
      const { id: own = doc._id, ok, rev, name, message } = written[place++] ?? {};
      return ok ? { ok, id: own, rev } : { id: own, error: name, reason: message };
    });
    response.status(201).json(rows);
  }

  async function route(request: Request, response: Response, next: Next): Promise<void> {
    const user = contextOf(request);
    if (!user) return answer(response, 401, 'unauthorized', 'Name or password is incorrect.');
    if (request.path === '/_session') return void response.json({ ok: true, userCtx: user });
    if (request.path.startsWith('/_users')) return usersRoute(request, response, user);
    const [, name = '', first = ''] = request.path.split('/');
    const db = decodeURIComponent(name);
    if (db === '' || db.startsWith('_')) return next();
    const security = securities.get(db) ?? CLOSED;
    const admin = user.roles.includes('_admin') || within(user, security.admins);
    if (!admin && !within(user, security.members)) return answer(response, 403, 'forbidden', MAY_NOT);
    if (first === '_security') {
      if (request.method === 'GET') return void response.json(security);
      if (!admin) return answer(response, 401, 'unauthorized', 'You are not a db or server admin.');
      securities.set(db, (await parse(request)) as Security);
      return void response.json({ ok: true });
    }
    const writes = request.method === 'PUT' || request.method === 'DELETE' || first === '_bulk_docs';
    if (writes && first !== '') return write(request, response, next, db, user);
    return next();
  }

  router.use((request, response, next) => {
    route(request, response, next).catch(next);
  });
}
