// Users of a database and their roles: `roles` of the user, `_security` of the database, and the rules that give them a
// meaning. Reading and changing them takes an admin of the server, since users belong to the server.
import { grantLine, type Role } from '../../../domain/roles.ts';
import type { Granted, Mine, StoreRights, StoreUser } from '../../../store.ts';
import { ItemError, ReadOnlyStoreError, UsageError } from '../../../util/errors.ts';
import { field } from '../../../util/values/field.ts';
import { listIn } from '../read.ts';
import type { Connection } from '../server/connection.ts';
import { mayNotWrite } from '../server/meaning.ts';
import {
  areInForce,
  RULES_ID,
  type RulesDoc,
  roleName,
  roleNames,
  roleOf,
  rulesDoc,
  type SecurityObject,
} from './rules.ts';

/** A user as `_users` has it; what else it has (its password, hashed) is handed back as it came. */
interface UserDoc {
  readonly _id: string;
  readonly _rev?: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly type: 'user';
}

const PREFIX = 'org.couchdb.user:';
/** Times that a change of a user is tried against others. */
const TRIES = 5;

type Names = NonNullable<SecurityObject['members']>;

export class Access implements StoreRights {
  readonly #connection: Connection;
  readonly #database: string;

  constructor(connection: Connection, database: string) {
    this.#connection = connection;
    this.#database = decodeURIComponent(database);
  }

  /** Who is logged in, and as what. */
  async mine(): Promise<Mine> {
    const [{ body }, security] = await Promise.all([this.#connection.read({ path: '/_session' }), this.#security()]);
    const { name, roles } = contextOf(body);
    const role = roles.includes('_admin') ? 'admin' : this.#roleOf(name ?? '', roles, security);
    return { ...(name !== null && { user: name }), ...(role && { role }) };
  }

  /** What the rules of the database cannot tell from a step's own write. @throws ReadOnlyStoreError for a site */
  async assertOperator(what: string): Promise<void> {
    const { role } = await this.mine();
    if (role === 'site') throw mayNotWrite(`needs the role operator: ${what}`, this.#connection.asked);
  }

  /** A reader ends here, before a command has done anything. @throws ReadOnlyStoreError */
  async refuseReader(): Promise<void> {
    const { asked } = this.#connection;
    if (asked.user === undefined) return;
    const { roles } = contextOf(await this.#connection.find('/_session'));
    if (roleOf(roles, this.#database) === 'reader') throw mayNotWrite('needs the role site: to write anything', asked);
  }

  async users(): Promise<{ readonly users: readonly StoreUser[]; readonly inForce: boolean }> {
    await assertServerAdmin(this.#connection, 'users and roles');
    const [docs, security, rules] = await Promise.all([this.#all(), this.#security(), this.#rules()]);
    return { users: this.#withAccess(docs, security), inForce: areInForce(rules) };
  }

  async grant(
    user: string,
    role: Role,
    { password, dryRun = false }: Parameters<StoreRights['grant']>[2],
  ): Promise<Granted> {
    await assertServerAdmin(this.#connection, 'users and roles');
    const there = await this.#user(user);
    if (!there && password === undefined) {
      throw new UsageError(`the server has no user '${user}'`, {
        where: this.#connection.where,
        hint: `to make the user, with the password in a file: ${grantLine(user, role)} --password-file FILE`,
      });
    }
    const security = await this.#security();
    const before = there && this.#roleOf(user, there.roles, security);
    const words = [...(there?.roles ?? []).filter((word) => !this.#isOurs(word)), roleName(this.#database, role)];
    const changed = !there || words.length !== there.roles.length || words.some((word) => !there.roles.includes(word));
    if (changed && !dryRun) await this.#write(user, () => words, password);
    const secured = await this.#secure(security, dryRun);
    const rules = await this.#enforce(user, dryRun);
    const did = there ? (changed || secured ? 'granted' : 'unchanged') : 'made';
    return { did, ...(before && { before }), admin: isAdmin(user, there?.roles ?? [], security), rules };
  }

  async revoke(user: string, dryRun = false): Promise<{ readonly before?: StoreUser['role'] }> {
    await assertServerAdmin(this.#connection, 'users and roles');
    const there = await this.#user(user);
    const security = await this.#security();
    const before = this.#roleOf(user, there?.roles ?? [], security);
    const named = [security.admins, security.members].some((list) => list?.names?.includes(user));
    if (!there && !named) {
      throw new ItemError(`the server has no user '${user}'`, { hint: 'dflow store users' });
    }
    if (dryRun) return before ? { before } : {};
    if (there?.roles.some((word) => this.#isOurs(word)))
      await this.#write(user, (roles) => roles.filter((word) => !this.#isOurs(word)));
    if (named) {
      const without = ({ names = [], ...rest }: Names = {}): Names => ({
        ...rest,
        names: names.filter((name) => name !== user),
      });
      await this.#putSecurity({ ...security, admins: without(security.admins), members: without(security.members) });
    }
    return before ? { before } : {};
  }

  /** The rules come into force when everybody who works with the database has a role: nobody is stopped by surprise. */
  async #enforce(granted: string, dryRun: boolean): Promise<Granted['rules']> {
    const there = await this.#rules();
    if (areInForce(there)) return { did: 'unchanged', without: [] };
    const [docs, security] = await Promise.all([this.#all(), this.#security()]);
    const without = this.#withAccess(docs, security).filter(({ role, name }) => !role && name !== granted);
    if (!there && without.length > 0) return { did: 'waiting', without: without.map(({ name }) => name) };
    const body = there?._rev === undefined ? rulesDoc() : { ...rulesDoc(), _rev: there._rev };
    if (!dryRun) await this.#connection.read({ method: 'PUT', path: RULES_ID, body, accept: [409] });
    return { did: there ? 'repaired' : 'deployed', without: [] };
  }

  /** Users who may read the database, and those whom `_security` names. */
  #withAccess(docs: readonly UserDoc[], security: SecurityObject): StoreUser[] {
    const known = docs.flatMap(({ name, roles }): StoreUser[] => {
      const role = this.#roleOf(name, roles, security);
      if (role) return [{ name, role }];
      return isNamed(name, roles, security.members) ? [{ name }] : [];
    });
    const names = [...(security.admins?.names ?? []), ...(security.members?.names ?? [])];
    const elsewhere = [...new Set(names)].filter((name) => !docs.some((doc) => doc.name === name));
    return [...known, ...elsewhere.map((name): StoreUser => ({ name, role: 'elsewhere' }))];
  }

  #roleOf(name: string, roles: readonly string[], security: SecurityObject): StoreUser['role'] {
    return isAdmin(name, roles, security) ? 'admin' : roleOf(roles, this.#database);
  }

  #isOurs(word: string): boolean {
    return roleOf([word], this.#database) !== undefined;
  }

  #user(name: string): Promise<UserDoc | undefined> {
    return this.#connection.find<UserDoc>(pathOf(name));
  }

  async #all(): Promise<UserDoc[]> {
    const query = { startkey: PREFIX, endkey: `${PREFIX}\uffff`, include_docs: true };
    const { status, body } = await this.#connection.read({ path: '/_users/_all_docs', query, accept: [404] });
    if (status === 404) return [];
    return listIn<{ doc: UserDoc }>(this.#connection, body, 'rows').map(({ doc }) => doc);
  }

  /** Another change of the user at the same time is kept. @throws ItemError */
  async #write(
    name: string,
    change: (roles: readonly string[]) => readonly string[],
    password?: string,
  ): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const there = await this.#user(name);
      const fresh = { _id: PREFIX + name, name, type: 'user', ...(password !== undefined && { password }) };
      const body = { ...(there ?? fresh), roles: change(there?.roles ?? []) };
      const { status } = await this.#connection.read({ method: 'PUT', path: pathOf(name), body, accept: [409] });
      if (status !== 409) return;
    }
    throw new ItemError(`others changed user '${name}' at every try`, { hint: 'the same command again' });
  }

  async #security(): Promise<SecurityObject> {
    return (await this.#connection.read({ path: '_security' })).body as SecurityObject;
  }

  /** Members are, from now on, those with a role. True when that was new. */
  async #secure(security: SecurityObject, dryRun: boolean): Promise<boolean> {
    const roles = security.members?.roles ?? [];
    const missing = roleNames(this.#database).filter((role) => !roles.includes(role));
    if (missing.length === 0) return false;
    const members = { ...security.members, roles: [...roles, ...missing] };
    if (!dryRun) await this.#putSecurity({ ...security, members });
    return true;
  }

  async #putSecurity(body: SecurityObject): Promise<void> {
    await this.#connection.read({ method: 'PUT', path: '_security', body });
  }

  #rules(): Promise<RulesDoc | undefined> {
    return this.#connection.find<RulesDoc>(RULES_ID);
  }
}

/** Users and replications belong to the server. @throws ReadOnlyStoreError */
export async function assertServerAdmin(connection: Connection, what: string): Promise<void> {
  const { name, roles } = contextOf((await connection.read({ path: '/_session' })).body);
  if (roles.includes('_admin')) return;
  const who = name === null ? 'nobody is logged in' : `user '${name}' is not an admin`;
  throw new ReadOnlyStoreError(`only an admin of the server may change or see ${what}: ${who}`, {
    where: connection.where,
    hint: 'the same command as an admin of the server: DFLOW_COUCH_USER=ADMIN and its DFLOW_COUCH_PASSWORD',
  });
}

function pathOf(name: string): string {
  return `/_users/${encodeURIComponent(PREFIX + name)}`;
}

/** The logged-in user of `_session`. */
function contextOf(session: unknown): { readonly name: string | null; readonly roles: readonly string[] } {
  const [name, roles] = [field(field(session, 'userCtx'), 'name'), field(field(session, 'userCtx'), 'roles')];
  return { name: typeof name === 'string' ? name : null, roles: Array.isArray(roles) ? roles.map(String) : [] };
}

function isNamed(name: string, roles: readonly string[], list: Names | undefined): boolean {
  return list?.names?.includes(name) === true || roles.some((role) => list?.roles?.includes(role));
}

function isAdmin(name: string, roles: readonly string[], { admins }: SecurityObject): boolean {
  return isNamed(name, roles, admins);
}
