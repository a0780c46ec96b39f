// One simulated world: the database, the disks, the machine rooms, and the hosts on which commands are started now and
// then by cron, by impatient shifters, twice at once. It starts processes; what they do is the real flow code.
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import type { Item, Ports, Step } from '../../src/lib/flow/ports.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { ItemError, StoreError, UnreachableError, UsageError } from '../../src/lib/util/errors.ts';
import { Cluster } from './cluster.ts';
import { Connection } from './connection.ts';
import { Database } from './database.ts';
import { FakeBackend } from './fake-backend.ts';
import { type Damage, Disk, Disks, FakeStorage } from './fake-storage.ts';
import { Invariants } from './invariants.ts';
import { MemoryStore } from './memory-store.ts';
import { NO_MACHINE } from './nomachine.ts';
import { type Random, seeded } from './random.ts';
import { BUFFER, drawScenery, furnish, type Scenery, STORAGES, settingsFor } from './scenery.ts';
import { type Process, Scheduler } from './scheduler.ts';

export const START = Date.parse('2026-07-01T00:00:00.000Z');

/** A world that breaks a promise of its contracts: the invariants must notice. */
type Sabotage = 'last-writer-wins' | 'no-hold' | 'forgets' | 'deaf';

export interface WorldOptions {
  readonly trace: boolean;
  readonly sabotage?: Sabotage;
}

export interface Host {
  readonly name: string;
  readonly site: string;
}

/** A command: what it is called and the flow it runs. */
export interface Command {
  readonly name: string;
  readonly step: (ports: Ports, random: Random) => Step;
}

export interface Run {
  readonly process: Process;
  readonly items: Item[];
  ended: boolean;
  error?: unknown;
}

export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly scenery: Scenery;
  readonly database = new Database();
  readonly disks = new Disks();
  readonly clusters = new Map<string, Cluster>();
  readonly hosts: readonly Host[];
  readonly invariants: Invariants;
  readonly runs: Run[] = [];
  damage: Damage = { copies: 0 };
  /** Chance that a process is logged in to the batch system as somebody else. */
  misrouted = 0;
  private readonly nonces: Random;

  constructor(
    seed: number,
    private readonly options: WorldOptions,
  ) {
    this.random = seeded(seed);
    this.nonces = seeded(seed + 0x5eed);
    this.scheduler = new Scheduler(this.random, START, options);
    this.scenery = drawScenery(this.random);
    for (const name of [...STORAGES, BUFFER]) this.disks.add(new Disk(name, this.scheduler));
    this.hosts = this.scenery.sites.flatMap((site) => [1, 2].map((n) => ({ name: `${site}${n}`, site })));
    const settings = settingsFor(this.scenery.sites[0]!, this.scenery);
    this.invariants = new Invariants(this.scheduler, this.database, this.disks, settings);
    for (const site of this.scenery.sites) this.addCluster(site);
    furnish(this.database, this.disks, this.scenery, START);
  }

  /** Starts a command on a host. It runs as the scheduler lets it. */
  start(host: Host, command: Command): Run {
    const process = this.scheduler.process(command.name, host.name);
    const run: Run = { process, items: [], ended: false };
    this.runs.push(run);
    this.scheduler.note(() => 'starts', process);
    void this.execute(run, command, this.portsFor(host, process));
    return run;
  }

  /** Processes that have neither ended nor been killed. */
  get living(): Run[] {
    return this.runs.filter((run) => !run.ended && run.process.alive);
  }

  private async execute(run: Run, command: Command, ports: Ports): Promise<void> {
    try {
      for await (const item of command.step(ports, this.random)) {
        run.items.push(item);
        this.scheduler.note(() => `> ${item.did} ${item.ref} ${item.text ?? ''}`, run.process);
      }
    } catch (error) {
      run.error = error;
      this.scheduler.note(() => `> ${String(error)}`, run.process);
      if (!isMisfortune(error)) this.invariants.fail(`${command.name}@${run.process.host} broke: ${stackOf(error)}`);
    }
    run.ended = true;
    this.scheduler.note(() => 'ends', run.process);
  }

  portsFor(host: Host, process: Process): Ports {
    const { scheduler, database, disks } = this;
    const nonce = (): string => this.nonces.nonce();
    const store = new MemoryStore(
      new Connection(database, scheduler, process, this.options.sabotage === 'last-writer-wins'),
      database,
      nonce,
    );
    const misrouted = this.random.chance(this.misrouted);
    if (misrouted) scheduler.count('wrong login');
    const opened = new Map<string, Storage>();
    const storage = async (name: string): Promise<Storage> => {
      const disk = disks.byName.get(name);
      if (!disk) throw new ItemError(`no storage element ${name}`);
      const mounted = name === BUFFER;
      const open = opened.get(name) ?? new FakeStorage(disk, disks, scheduler, process, () => this.damage, mounted);
      opened.set(name, open);
      return open;
    };
    return {
      ...NO_MACHINE,
      settings: settingsFor(host.site, this.scenery),
      store,
      storage,
      buffer: () => storage(BUFFER),
      backend: async (farm: FarmSettings['name']) =>
        new FakeBackend(this.clusters.get(farm)!, scheduler, process, misrouted),
      nonce,
      sleep: (milliseconds, signal) => scheduler.sleep(process, milliseconds, signal),
      by: `${process.name}@${host.name}`,
      host: host.name,
    };
  }

  private addCluster(site: string): void {
    const cluster = new Cluster(site, this.scenery.slots, this.scheduler, this.disks);
    cluster.watcher = this.invariants;
    cluster.sabotage = this.options.sabotage;
    this.clusters.set(site, cluster);
  }
}

/** Errors that faults may cause; anything else is a defect of the code under test. */
function isMisfortune(error: unknown): boolean {
  return (
    error instanceof StoreError ||
    error instanceof UnreachableError ||
    error instanceof ItemError ||
    error instanceof UsageError
  );
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 6).join(' | ') : String(error);
}
