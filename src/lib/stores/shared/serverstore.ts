// What stores on a server do alike: documents are read by id and by range, changes go by compare-and-swap over the network,
// and time comes from the server.
import type { Doc } from '../../domain/doc.ts';
import type { Change, IdRange, IdSpan, Outcome, StoreOptions } from '../../store.ts';
import { type Iso, iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { View } from '../../views/view.ts';
import { inBatches, randomOp } from './changes.ts';
import { openedForReading } from './experiment.ts';
import type { ServerClock } from './server/clock.ts';
import { type Stored, type Swapping, writeBatch } from './swap.ts';
import { ViewStore } from './viewstore.ts';

/** How a store was opened. */
export interface ServerOptions extends Omit<StoreOptions, 'folder' | 'nonce'> {
  readonly views: readonly View[];
  /** Operation ids. */
  readonly nonce: () => string;
}

export function serverOptions(
  { write, nonce = randomOp, now, experiment, say }: StoreOptions,
  views: readonly View[],
): ServerOptions {
  return { views, write, nonce, ...given({ now, experiment, say }) };
}

/** The documents of a database, as they are read. */
interface Documents {
  stored<D extends Doc>(ids: readonly string[]): Promise<Map<string, Stored<D>>>;
  range<D extends Doc>(range: IdRange): Promise<D[]>;
  ranges<D extends Doc>(spans: readonly IdSpan[]): Promise<D[]>;
}

export abstract class ServerStore<Options extends ServerOptions> extends ViewStore {
  protected readonly options: Options;
  protected readonly clock: ServerClock;
  protected abstract readonly documents: Documents;
  protected abstract readonly swapping: Swapping;
  protected abstract readonly where: string;
  /** Set by whoever has looked at the mark. */
  protected writable = false;

  constructor(options: Options, clock: ServerClock) {
    super();
    this.options = options;
    this.clock = clock;
  }

  /** Lets the clock observe the server's. */
  protected abstract askClock(): Promise<void>;

  async get<D extends Doc>(ids: readonly string[]): Promise<Map<string, D>> {
    const docs = new Map<string, D>();
    for (const [id, { doc }] of await this.documents.stored<D>(ids)) if (doc) docs.set(id, doc);
    return docs;
  }

  range<D extends Doc>(range: IdRange): Promise<D[]> {
    return this.documents.range<D>(range);
  }

  override ranges<D extends Doc>(spans: readonly IdSpan[]): Promise<D[]> {
    return this.documents.ranges<D>(spans);
  }

  async bulk<D extends Doc = Doc, N = unknown>(changes: readonly Change<D, N>[]): Promise<Outcome<D, N>[]> {
    if (!this.writable) throw openedForReading(this.where);
    return inBatches(changes, (batch) => writeBatch(this.swapping, batch, this.options.nonce()));
  }

  async now(): Promise<Iso> {
    if (this.options.now) return iso(this.options.now());
    if (!this.clock.fresh) await this.askClock();
    return iso(this.clock.now());
  }
}
