// The local batch system: a spool folder, and one detached supervisor that runs its jobs on this machine.
// Owns the contract's calls on the spool; running is the supervisor's business.

import { availableParallelism, hostname } from 'node:os';
import type { Backend, BackendAbout, BackendContext, Status, Task } from '../../backend.ts';
import type { Identity } from '../../domain/farms/farm.ts';
import type { FarmSettings } from '../../domain/settings.ts';
import { counted } from '../../util/text/counted.ts';
import { DAY } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { ResultRecord } from '../../wrapper/record.ts';
import { isKey, renderSpec } from '../../wrapper/spec.ts';
import { readTail } from '../shared/folder/files.ts';
import { reaching } from '../shared/folder/reachable.ts';
import { archiveRecords, keptRecords, readRecords } from '../shared/folder/records.ts';
import { Options } from '../shared/options.ts';
import { userName } from '../shared/user.ts';
import { keyOf, Spool } from './spool.ts';
import { ensureSupervisor, supervisorScript } from './start.ts';

const reachable = reaching('the local spool');

interface Settings {
  readonly scratch?: string;
  readonly keep: number;
  readonly supervisor?: string;
}

function parseOptions(farm: FarmSettings): Settings {
  const options = new Options(farm, ['scratch', 'keep', 'supervisor']);
  if (!Number.isInteger(farm.slots) || farm.slots < 1)
    options.fail(`slots must be a whole number from 1, not ${farm.slots}`);
  const scratch = options.folder('scratch');
  const supervisor = options.folder('supervisor');
  return {
    keep: options.duration('keep') ?? 30 * DAY,
    ...given({ scratch, supervisor }),
  };
}

class LocalBackend implements Backend {
  readonly #spool: Spool;
  readonly #script: string;
  readonly #identity: Identity;

  constructor(spool: Spool, script: string, identity: Identity) {
    this.#spool = spool;
    this.#script = script;
    this.#identity = identity;
  }

  async identity(): Promise<Identity> {
    return this.#identity;
  }

  async about(): Promise<BackendAbout> {
    const cores = availableParallelism();
    return { version: 'jobs run on this machine', notes: [counted(cores, 'core')], wrong: [] };
  }

  async submit(_claim: string, tasks: readonly Task[]): Promise<Map<string, string>> {
    // All are rendered before the first is written: a name that cannot be used refuses the whole claim.
    const files = tasks.map(({ key, spec }) => [key, renderSpec(spec)] as const);
    return reachable(() => {
      for (const [key, text] of files) this.#spool.hold(key, text);
      return new Map(files.map(([key]) => [key, key]));
    });
  }

  async release(keys: readonly string[]): Promise<void> {
    reachable(() => {
      for (const key of keys) if (isKey(key)) this.#spool.release(key);
    });
    await this.ensure();
  }

  async status(keys: readonly string[]): Promise<Map<string, Status>> {
    return reachable(() => {
      // In the order in which a key moves, so that one that moves meanwhile is seen further on.
      const held = new Set(this.#spool.list('hold'));
      const pending = new Set(this.#spool.ready().map(keyOf));
      const running = new Set(this.#spool.list('run'));
      const state = (key: string): Status => {
        if (held.has(key)) return { state: 'held', backendId: key };
        if (pending.has(key)) return { state: 'pending', backendId: key };
        if (running.has(key)) return { state: 'running', backendId: key };
        return isKey(key) ? this.#ended(key) : { state: 'absent' };
      };
      return new Map(keys.map((key) => [key, state(key)]));
    });
  }

  #ended(key: string): Status {
    const mark = this.#spool.mark(key);
    if (!mark) return { state: 'absent' };
    if (mark.kind === 'fenced') return { state: 'ended', backendId: key, raw: mark.why };
    return { state: 'ended', backendId: key, ...(mark.kind === 'started' && mark.canceled && { raw: 'canceled' }) };
  }

  async alive(): Promise<string[]> {
    const spool = this.#spool;
    return reachable(() => [...spool.list('hold'), ...spool.ready().map(keyOf), ...spool.list('run')]);
  }

  async cancel(keys: readonly string[]): Promise<void> {
    const spool = this.#spool;
    reachable(() => {
      const ready = new Map(spool.ready().map((name) => [keyOf(name), name]));
      const known = new Set([...spool.list('hold'), ...ready.keys(), ...spool.list('run')]);
      for (const key of keys.filter((name) => known.has(name))) this.#cancelOne(key);
      // A release at the same moment may have moved some; their fence is taken, so the supervisor drops them.
      const asked = new Set(keys);
      for (const name of spool.ready()) if (asked.has(keyOf(name))) spool.remove('ready', name);
    });
    await this.ensure();
  }

  #cancelOne(key: string): void {
    // Whoever takes the start fence decides: ours means that it can never start, the wrapper's that it has started.
    if (this.#spool.fence(key, 'canceled')) this.#spool.remove('hold', key);
    else if (this.#spool.mark(key)?.kind === 'fenced') this.#spool.remove('hold', key);
    else this.#spool.write(this.#spool.path('cancel', key), '');
  }

  async records(limit: number): Promise<ResultRecord[]> {
    return readRecords(
      this.#spool,
      reachable(() => this.#spool.list('result/new').slice(0, limit)),
    );
  }

  async acknowledge(records: readonly ResultRecord[]): Promise<void> {
    reachable(() => archiveRecords(this.#spool, records));
  }

  kept(): Promise<ResultRecord[]> {
    return keptRecords(this.#spool);
  }

  async logs(keys: readonly string[], bytes: number): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const key of keys) {
      const text = isKey(key) ? readTail(this.#spool.logPath(key), bytes) : undefined;
      if (text !== undefined) found.set(key, text);
    }
    return found;
  }

  async ensure(): Promise<void> {
    await ensureSupervisor(this.#spool, this.#script);
  }

  async close(): Promise<void> {}
}

/** @throws ConfigError an option is wrong */
export function check(farm: FarmSettings): void {
  parseOptions(farm);
}

/**
 * Options: `scratch` (folder for scratch folders; default in the spool), `keep` (how long marks, records and logs stay;
 * default 30d), `supervisor` (its script; for tests).
 * @throws ConfigError an option is wrong
 * @throws UnreachableError the spool folder cannot be made
 */
export async function open(farm: FarmSettings, context: BackendContext): Promise<Backend> {
  const options = parseOptions(farm);
  const spool = new Spool(context.folder);
  const id = reachable(() => {
    // A spool that is not there yet is another batch system than any that the store may know.
    if (context.looking) return spool.ownId() ?? context.nonce();
    spool.create();
    spool.writeSettings({
      slots: farm.slots,
      scratch: options.scratch ?? spool.path('scratch'),
      keep: options.keep,
    });
    return spool.id(context.nonce);
  });
  const identity = { cluster: `${hostname()}:${id}`, user: userName() };
  return new LocalBackend(spool, options.supervisor ?? supervisorScript(), identity);
}
