// Replicas: documents of `_replicator`, by which CouchDB itself copies a database, and what it says of how far it is. A
// replica never becomes writable by mistake: it has no mark of dflow, and one of its own that says whose replica it is.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplicateOptions, Replication, StoreReplication } from '../../../store.ts';
import { ReadOnlyStoreError, UsageError } from '../../../util/errors.ts';
import { counted } from '../../../util/text/counted.ts';
import { field } from '../../../util/values/field.ts';
import { given } from '../../../util/values/given.ts';
import type { Login } from '../../shared/server/credentials.ts';
import { SAY_EVERY, type Say } from '../../shared/server/patience.ts';
import { type ReplicaMark, readMarker, readReplicaMark, writeReplicaMark } from '../marker.ts';
import { listIn } from '../read.ts';
import type { Connection } from '../server/connection.ts';
import { type Place, parsePlace } from '../server/credentials.ts';
import { mayNotCreate } from '../server/meaning.ts';
import { assertServerAdmin } from './access.ts';
import { roleNames } from './rules.ts';

/** Milliseconds between two looks, and until a continuous one that does not say a word is reported as it is. */
const LOOK = 500;
const SETTLED = 30_000;

export interface ReplicationOptions {
  readonly place: Place;
  readonly login: Login | undefined;
  readonly say: Say;
  /** Opens the other database, with the login of its own server. */
  readonly target: (url: string) => Promise<Target>;
}

export interface Target {
  readonly place: Place;
  readonly login: Login | undefined;
  readonly connection: Connection;
}

export class Replications implements StoreReplication {
  readonly #connection: Connection;
  readonly #options: ReplicationOptions;

  constructor(connection: Connection, options: ReplicationOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Those of this server that read or write this database; `undefined` where this user may not look. */
  async list(): Promise<Replication[] | undefined> {
    const reply = await this.#connection.read({ path: '/_scheduler/docs/_replicator', accept: [401, 403, 404] });
    if (reply.status === 404) return [];
    if (reply.status >= 400) return undefined;
    const { database } = this.#options.place;
    const mine = (url: string): boolean => url.replace(/\/$/, '').endsWith(`/${database}`);
    const all = listIn<unknown>(this.#connection, reply.body, 'docs').map(replicationOf);
    return all.filter(({ source, target }) => mine(source) || mine(target));
  }

  async start(
    url: string,
    { continuous = false, dryRun = false }: ReplicateOptions,
  ): Promise<Replication & { readonly fresh: boolean }> {
    await assertServerAdmin(this.#connection, 'replications');
    const { place, login, target: open } = this.#options;
    const target = await open(url);
    try {
      if (target.place.where === place.where) {
        throw new UsageError('a store cannot be its own replica', { where: place.where, hint: 'another database' });
      }
      const mark = await readMarker(this.#connection);
      await this.#prepare(target.connection, { of: mark?.uuid ?? '', source: place.where }, dryRun);
      const id = idOf(place.where, target.place.where);
      const end = (one: Place, by: Login | undefined) => ({
        url: one.where,
        ...(by && { auth: { basic: { username: by.user, password: by.password } } }),
      });
      const doc = { _id: id, source: end(place, login), target: end(target.place, target.login), continuous };
      const before = (await this.list())?.find((one) => one.id === id);
      const runs = before?.state === 'running' && before.continuous === continuous;
      if (dryRun || runs) return { ...(before ?? planned(id, place, target.place, continuous)), fresh: !runs };
      await this.#connection.remove(pathOf(id));
      await this.#connection.read({ method: 'PUT', path: pathOf(id), body: doc });
      const now = await this.#settled(id, continuous);
      // A single copy leaves no password behind.
      if (!continuous) await this.#connection.remove(pathOf(id));
      return { ...now, fresh: true };
    } finally {
      await target.connection.close();
    }
  }

  async stop(url: string, dryRun = false): Promise<boolean> {
    await assertServerAdmin(this.#connection, 'replications');
    const id = idOf(this.#options.place.where, parsePlace(url).where);
    if (dryRun) return ((await this.list()) ?? []).some((one) => one.id === id);
    return this.#connection.remove(pathOf(id));
  }

  /** Makes the target, or sees that it is a replica of this store. @throws ReadOnlyStoreError for any other database */
  async #prepare(target: Connection, mark: ReplicaMark, dryRun: boolean): Promise<void> {
    const { where } = target;
    const found = await target.read({ path: '', accept: [404] });
    if (found.status !== 404) {
      const theirs = await readMarker(target);
      if (theirs) {
        throw new ReadOnlyStoreError(`the target is the writable store of the experiment '${theirs.experiment}'`, {
          where,
          hint: 'another name for the replica: a database that does not exist is made',
        });
      }
      const documents = Number(field(found.body, 'doc_count') ?? 0);
      const known = (await readReplicaMark(target))?.of === mark.of;
      if (documents > 0 && !known) {
        throw new ReadOnlyStoreError(
          `the target holds ${counted(documents, 'document')} and is not a replica of this store`,
          {
            where,
            hint: 'another name for the replica: a database that does not exist is made',
          },
        );
      }
      if (known) return;
    }
    if (dryRun) return;
    if (found.status === 404) await this.#create(target);
    await writeReplicaMark(target, mark);
  }

  /** With one copy of each shard, so that it may become the writable store; who has a role here may read there. */
  async #create(target: Connection): Promise<void> {
    try {
      await target.read({ method: 'PUT', path: '', query: { n: 1 }, accept: [412] });
    } catch (error) {
      throw error instanceof ReadOnlyStoreError ? mayNotCreate(target.asked, error) : error;
    }
    const roles = roleNames(decodeURIComponent(this.#options.place.database));
    const body = { admins: { names: [], roles: ['_admin'] }, members: { names: [], roles } };
    await target.read({ method: 'PUT', path: '_security', body });
  }

  /** Waits until a single copy has ended, or a continuous one says how far it is. */
  async #settled(id: string, continuous: boolean): Promise<Replication> {
    const began = performance.now();
    for (let told = began; ; ) {
      const entry = await this.#connection.find(`/_scheduler/docs/_replicator/${id}`);
      const now = entry === undefined ? undefined : replicationOf(entry);
      const ended = now && ['completed', 'failed', 'crashing', 'error'].includes(now.state);
      if (now && (ended || (continuous && now.state === 'running' && now.lag !== undefined))) return now;
      const waited = performance.now() - began;
      if (now && continuous && waited > SETTLED) return now;
      if (performance.now() - told > SAY_EVERY) {
        told = performance.now();
        this.#options.say(
          `the store copies itself: ${now?.lag === undefined ? 'an unknown number of changes' : counted(now.lag, 'change')} to go`,
        );
      }
      await sleep(LOOK);
    }
  }
}

const pathOf = (id: string): string => `/_replicator/${id}`;

function idOf(source: string, target: string): string {
  return `dflow-${createHash('sha256').update(`${source}\n${target}`).digest('hex').slice(0, 16)}`;
}

function planned(id: string, source: Place, target: Place, continuous: boolean): Replication {
  return { id, source: source.where, target: target.where, continuous, state: 'planned' };
}

/** One entry of the scheduler: its addresses are without logins. */
function replicationOf(entry: unknown): Replication {
  const text = (name: string): string => String(field(entry, name) ?? '');
  const info = field(entry, 'info');
  const pending = field(info, 'changes_pending');
  const error = field(info, 'error') ?? (typeof info === 'string' ? info : undefined);
  return {
    id: text('doc_id'),
    source: bare(text('source')),
    target: bare(text('target')),
    continuous: text('id').includes('+continuous') || field(entry, 'continuous') === true,
    state: text('state'),
    ...(typeof pending === 'number' && { lag: pending }),
    ...given({ error: error === undefined ? undefined : String(error) }),
  };
}

const bare = (url: string): string => url.replace(/\/\/[^/@]*@/, '//').replace(/\/$/, '');
