// A batch system as one process of dflow sees it: the contract over a `Cluster`, every call a yield point.
import type { Backend, Status, Task } from '../../src/lib/backend.ts';
import type { Identity } from '../../src/lib/domain/farms/farm.ts';
import { UnreachableError } from '../../src/lib/util/errors.ts';
import type { ResultRecord } from '../../src/lib/wrapper/record.ts';
import type { Cluster } from './cluster.ts';
import type { Process, Scheduler } from './scheduler.ts';

/** Longest age of a stale poll; below the grace period, as a batch system's cache is. */
const STALE = 90_000;

export class FakeBackend implements Backend {
  /** So few that one submit makes several claims. */
  readonly most: number;

  /** `misrouted`: logged in as somebody else, for whom every query succeeds and nothing is there. */
  constructor(
    private readonly cluster: Cluster,
    private readonly scheduler: Scheduler,
    private readonly process: Process,
    private readonly misrouted: boolean,
  ) {
    this.most = scheduler.random.whole(1, 3);
  }

  identity(): Promise<Identity> {
    const { identity } = this.cluster;
    return this.call('identity', () => (this.misrouted ? { ...identity, user: 'nobody' } : identity));
  }

  submit(claim: string, tasks: readonly Task[]): Promise<Map<string, string>> {
    const some = (): void => void this.cluster.accept(tasks.slice(0, this.scheduler.random.whole(0, tasks.length)));
    return this.call(`submit ${claim} x${tasks.length}`, () => this.cluster.accept(tasks), { partial: some });
  }

  release(keys: readonly string[]): Promise<void> {
    const some = (): void => this.cluster.release(keys.slice(0, this.scheduler.random.whole(0, keys.length)));
    return this.call(`release ${keys.join(' ')}`, () => this.mine(() => this.cluster.release(keys)), { partial: some });
  }

  status(keys: readonly string[]): Promise<Map<string, Status>> {
    const answer = (at?: number): Map<string, Status> =>
      new Map(keys.map((key) => [key, this.misrouted ? { state: 'absent' } : this.cluster.status(key, at)]));
    const stale = (): Map<string, Status> => answer(this.scheduler.now - this.scheduler.random.whole(0, STALE));
    return this.call(`status ${keys.join(' ')}`, () => answer(), { stale });
  }

  alive(): Promise<string[]> {
    return this.call('alive', () => (this.misrouted ? [] : this.cluster.listed()));
  }

  cancel(keys: readonly string[]): Promise<void> {
    return this.call(`cancel ${keys.join(' ')}`, () => this.mine(() => this.cluster.cancel(keys)));
  }

  records(limit: number): Promise<ResultRecord[]> {
    return this.call('records', () => (this.misrouted ? [] : this.cluster.records(limit)));
  }

  acknowledge(records: readonly ResultRecord[]): Promise<void> {
    const names = records.map((record) => record.execution).join(' ');
    return this.call(`acknowledge ${names}`, () => this.mine(() => this.cluster.acknowledge(records)));
  }

  logs(): Promise<Map<string, string>> {
    return this.call('logs', () => new Map<string, string>());
  }

  ensure(): Promise<void> {
    return this.call('ensure', () => undefined);
  }

  async close(): Promise<void> {}

  private mine(act: () => void): void {
    if (!this.misrouted) act();
  }

  private call<T>(
    what: string,
    effect: () => T,
    more: { readonly partial?: () => void; readonly stale?: () => T } = {},
  ): Promise<T> {
    return this.scheduler.call(this.process, {
      what: `${this.cluster.site}: ${what}`,
      effect: () => {
        if (this.scheduler.now < this.cluster.downUntil) throw this.error('no route to host');
        return effect();
      },
      error: (reason) => this.error(reason),
      ...more,
    });
  }

  private error(reason: string): UnreachableError {
    return new UnreachableError(`${this.cluster.site}: ${reason}`);
  }
}
