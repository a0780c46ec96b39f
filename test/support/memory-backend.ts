import type { Backend, Status } from '../../src/lib/backend.ts';

/** A batch system that only remembers: what each key is there. */
export class Memory implements Backend {
  readonly keys = new Map<string, Status['state']>();
  readonly canceled: string[] = [];
  /** It answers with success and lists nothing; what has started is concluded to have ended. */
  forgotten = false;
  constructor(readonly site: string) {}
  identity = async () => ({ cluster: this.site, user: 'prod' });
  async submit(_claim: string, tasks: Parameters<Backend['submit']>[1]) {
    for (const { key } of tasks) this.keys.set(key, 'held');
    return new Map(tasks.map(({ key }) => [key, `id-${key}`]));
  }
  async release(keys: readonly string[]) {
    for (const key of keys) if (this.keys.get(key) === 'held') this.keys.set(key, 'running');
  }
  status = async (keys: readonly string[]) =>
    new Map(keys.map((key): [string, Status] => [key, this.#status(this.keys.get(key) ?? 'absent')]));
  #status(state: Status['state']): Status {
    if (!this.forgotten || state === 'ended') return { state };
    return state === 'running' ? { state: 'ended', raw: 'not listed', inferred: true } : { state: 'absent' };
  }
  alive = async () =>
    this.forgotten ? [] : [...this.keys].flatMap(([key, state]) => (state === 'ended' ? [] : [key]));
  async cancel(keys: readonly string[]) {
    for (const key of keys) {
      this.canceled.push(key);
      if (this.keys.has(key) && !this.forgotten) this.keys.set(key, 'ended');
    }
  }
  records = async () => [];
  acknowledge = async () => undefined;
  logs = async () => new Map<string, string>();
  ensure = async () => undefined;
  close = async () => undefined;
}
