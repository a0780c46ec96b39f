// Rucio by its REST interface (docs: rucio.github.io). A place is an RSE; a pin is a rule; nothing is asked for one by one
// that can be asked for by hundreds.
import {
  type Catalogue,
  type CatalogueModule,
  type DidName,
  didText,
  type Known,
  type KnownFile,
  type Members,
  type NewCopy,
  type NewDataset,
  type Probe,
  type Refused,
} from '../../catalogue.ts';
import type { CatalogueSettings } from '../../domain/settings.ts';
import { field } from '../../util/values/field.ts';
import { batches } from '../../util/values/group.ts';
import type { Answer, Ask } from './exchange.ts';
import { knownOf, linesOf, nameOf, undashed, withCopies } from './lines.ts';
import { loginOf } from './login.ts';
import { isOfOne, type Refusal } from './meaning.ts';
import { probe } from './probe.ts';
import { Session } from './session.ts';

export const open: CatalogueModule['open'] = async (settings, options) => {
  const session = new Session(settings, loginOf(settings, options), options.clock ?? (() => performance.now()));
  return new Rucio(settings, session);
};

/** Names in a request: measured to be the best, and what its own clients send. */
const AT_ONCE = 500;

const bare = ({ scope, name }: DidName): DidName => ({ scope, name });
const pathOf = ({ scope, name }: DidName): string => `/dids/${encodeURIComponent(scope)}/${encodeURIComponent(name)}`;
const isRefusal = (answer: Answer | Refusal): answer is Refusal => 'refused' in answer;

class Rucio implements Catalogue {
  readonly #settings: CatalogueSettings;
  readonly #session: Session;
  #scopes: ReadonlySet<string> = new Set();

  constructor(settings: CatalogueSettings, session: Session) {
    this.#settings = settings;
    this.#session = session;
  }

  get where(): string {
    return this.#settings.url;
  }

  async look(names: readonly DidName[], places: readonly string[] = []): Promise<Map<string, Known>> {
    const found = new Map<string, Known>();
    for (const some of batches(names, AT_ONCE)) await this.#lookAt(some, found);
    if (places.length > 0) await this.#addCopiesTo(found, places);
    return found;
  }

  /** A name that Rucio does not allow spoils the question for all others, and is nobody's. */
  async #lookAt(names: readonly DidName[], found: Map<string, Known>): Promise<void> {
    const ask = post('/dids/bulkmeta', { dids: names.map(bare) });
    const answer = await this.#session.tryTo(ask);
    if (!isRefusal(answer)) {
      for (const line of linesOf(answer.text)) found.set(didText(nameOf(line)), knownOf(line));
      return;
    }
    if (answer.exception !== 'InvalidObject') throw this.#session.meaning(ask, answer);
    const half = Math.ceil(names.length / 2);
    for (const some of names.length === 1 ? [] : [names.slice(0, half), names.slice(half)])
      await this.#lookAt(some, found);
  }

  /** The copies of the files among `found`: the slowest question that Rucio has, so only places that are wanted. */
  async #addCopiesTo(found: Map<string, Known>, places: readonly string[]): Promise<void> {
    const wanted = { all_states: true, rse_expression: places.join('|') };
    const files = [...found.values()].filter((one): one is KnownFile => one.kind === 'file');
    for (const some of batches(files, AT_ONCE)) {
      const answer = await this.#session.ask(post('/replicas/list', { dids: some.map(bare), ...wanted }));
      for (const line of linesOf(answer.text)) {
        const known = found.get(didText(nameOf(line)));
        if (known?.kind === 'file') found.set(didText(known), withCopies(known, line));
      }
    }
  }

  async addCopies(place: string, copies: readonly NewCopy[]): Promise<Refused> {
    const refused = new Map<string, string>();
    await this.#requireScopes(copies);
    for (const some of batches(copies, AT_ONCE)) await this.#addSome(place, some, refused);
    return refused;
  }

  /** Rucio answers a scope that it does not know as it answers a database that has failed. */
  async #requireScopes(copies: readonly NewCopy[]): Promise<void> {
    const ask: Ask = { method: 'GET', path: '/scopes/' };
    const wanted = new Set(copies.map(({ scope }) => scope));
    if ([...wanted].every((scope) => this.#scopes.has(scope))) return;
    const answer = await this.#session.ask(ask);
    this.#scopes = new Set(linesOf(answer.text).flat().map(String));
    const missing = [...wanted].find((scope) => !this.#scopes.has(scope));
    if (missing === undefined) return;
    const words = `Rucio does not know the scope '${missing}'`;
    throw this.#session.meaning(ask, { refused: true, status: 404, exception: 'ScopeNotFound', words, passing: false });
  }

  /** Rucio takes all or none: halves are tried until the one that it does not take is alone. */
  async #addSome(place: string, copies: readonly NewCopy[], refused: Map<string, string>): Promise<void> {
    const files = copies.map(({ scope, name, size, adler32, guid, address }) => ({
      ...{ scope, name, bytes: size, adler32, pfn: address, meta: { guid: undashed(guid) } },
    }));
    const ask = post('/replicas', { rse: place, ignore_availability: true, files });
    const answer = await this.#session.tryTo(ask);
    if (!isRefusal(answer)) return;
    const [first] = copies;
    if (!isOfOne(answer) || !first) throw this.#session.meaning(ask, answer);
    if (copies.length === 1) {
      refused.set(didText(first), `${answer.words} (${answer.exception})`);
      return;
    }
    const half = Math.ceil(copies.length / 2);
    await this.#addSome(place, copies.slice(0, half), refused);
    await this.#addSome(place, copies.slice(half), refused);
  }

  async makeDatasets(datasets: readonly NewDataset[]): Promise<void> {
    for (const some of batches(datasets, AT_ONCE)) {
      const known = await this.look(some);
      const missing = some.filter((one) => !known.has(didText(one)));
      for (const part of batches(missing, AT_ONCE)) await this.#makeSome(part);
    }
  }

  async #makeSome(datasets: readonly NewDataset[]): Promise<void> {
    const ask = post(
      '/dids',
      datasets.map(({ scope, name, run }) => ({
        ...{ scope, name, type: 'DATASET', statuses: { monotonic: true }, meta: { run_number: run } },
      })),
    );
    const answer = await this.#session.tryTo(ask);
    if (!isRefusal(answer)) return;
    if (answer.exception !== 'DataIdentifierAlreadyExists') throw this.#session.meaning(ask, answer);
    // Another host has made one of them in between.
    for (const one of datasets.length > 1 ? datasets : []) await this.#makeSome([one]);
  }

  async attach(members: readonly Members[]): Promise<void> {
    const attachments = members.map(({ dataset, files }) => ({ ...bare(dataset), dids: files.map(bare) }));
    if (attachments.length === 0) return;
    await this.#session.ask(post('/dids/attachments', { ignore_duplicate: true, attachments }));
  }

  async contents(dataset: DidName): Promise<ReadonlySet<string>> {
    const lines = await this.#listed({ method: 'GET', path: `${pathOf(dataset)}/dids` });
    return new Set(lines.map((line) => nameOf(line).name));
  }

  async close(dataset: DidName): Promise<void> {
    const ask: Ask = { method: 'PUT', path: `${pathOf(dataset)}/status`, body: { open: false } };
    const answer = await this.#session.tryTo(ask);
    if (!isRefusal(answer)) return;
    const known = (await this.look([dataset])).get(didText(dataset));
    if (known?.kind === 'dataset' && !known.open) return;
    throw this.#session.meaning(ask, answer);
  }

  async pin(datasets: readonly DidName[], place: string): Promise<void> {
    const ask = post('/rules/', {
      ...{ dids: datasets.map(bare), account: this.#settings.account, copies: 1, rse_expression: place },
      ...{ grouping: 'DATASET', comment: 'made by dflow: the copies are there' },
    });
    const answer = await this.#session.tryTo(ask);
    if (!isRefusal(answer)) return;
    if (answer.exception !== 'DuplicateRule') throw this.#session.meaning(ask, answer);
    for (const one of datasets.length > 1 ? datasets : []) await this.pin([one], place);
  }

  async unpin(dataset: DidName, place: string): Promise<void> {
    const rules = await this.#listed({ method: 'GET', path: `${pathOf(dataset)}/rules` });
    const { account } = this.#settings;
    const mine = rules.filter((rule) => field(rule, 'account') === account && field(rule, 'rse_expression') === place);
    for (const rule of mine) {
      const ask: Ask = {
        method: 'DELETE',
        path: `/rules/${String(field(rule, 'id'))}`,
        body: { purge_replicas: false },
      };
      const answer = await this.#session.tryTo(ask);
      if (isRefusal(answer) && answer.exception !== 'RuleNotFound') throw this.#session.meaning(ask, answer);
    }
  }

  async declareBad(place: string, files: readonly DidName[], reason: string): Promise<void> {
    for (const some of batches(files, AT_ONCE)) {
      const replicas = some.map((file) => ({ ...bare(file), rse: place }));
      await this.#session.ask(post('/replicas/bad', { replicas, reason: reason.slice(0, 250) }));
    }
  }

  async declareGood(place: string, files: readonly DidName[]): Promise<void> {
    for (const some of batches(files, AT_ONCE)) {
      const body = { rse: place, files: some.map((file) => ({ ...bare(file), state: 'A' })) };
      await this.#session.ask({ method: 'PUT', path: '/replicas', body });
    }
  }

  async dropCopies(place: string, files: readonly DidName[]): Promise<void> {
    for (const some of batches(files, AT_ONCE)) await this.#dropSome(place, some);
  }

  /** All or none again: where one is pinned by somebody's rule or is not there, they are told one by one. */
  async #dropSome(place: string, files: readonly DidName[]): Promise<void> {
    const ask = post('/replicas/tombstone', { replicas: files.map((file) => ({ ...bare(file), rse: place })) });
    const answer = await this.#session.tryTo(ask);
    if (!isRefusal(answer)) return;
    const single = files.length === 1;
    if (answer.exception === 'ReplicaNotFound' && single) return;
    if (answer.exception === 'ReplicaIsLocked' && single) return this.declareBad(place, files, 'deleted by dflow');
    if (single || !['ReplicaNotFound', 'ReplicaIsLocked'].includes(answer.exception))
      throw this.#session.meaning(ask, answer);
    for (const one of files) await this.#dropSome(place, [one]);
  }

  async setGuid(file: DidName, guid: string): Promise<void> {
    await this.#session.ask(post(`${pathOf(file)}/meta`, { meta: { guid: undashed(guid) } }));
  }

  async *files(scope: string): AsyncGenerator<DidName[], void, void> {
    const path = `/dids/${encodeURIComponent(scope)}/dids/search?type=file&name=*`;
    const answer = await this.#session.ask({ method: 'GET', path });
    const names = linesOf(answer.text).flatMap((line) => (typeof line === 'string' ? [{ scope, name: line }] : []));
    for (const some of batches(names, AT_ONCE)) yield [...some];
  }

  probe(scopes: readonly string[], places: readonly string[]): AsyncGenerator<Probe, void, void> {
    return probe(this.#session, this.#settings, scopes, places);
  }

  end(): Promise<void> {
    return this.#session.end();
  }

  /** The lines of a list; none where what it is about does not exist. */
  async #listed(ask: Ask): Promise<unknown[]> {
    const answer = await this.#session.tryTo(ask);
    if (!isRefusal(answer)) return linesOf(answer.text);
    if (answer.exception === 'DataIdentifierNotFound') return [];
    throw this.#session.meaning(ask, answer);
  }
}

function post(path: string, body: unknown): Ask {
  return { method: 'POST', path, body };
}
