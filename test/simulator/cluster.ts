// The machine room of a batch system, in memory: it holds, queues and runs tasks in virtual time, counts every start,
// writes outputs and records, and loses some of it. Who asks it, and what they are told, is fake-backend's business.
import type { Status, Task } from '../../src/lib/backend.ts';
import type { Identity } from '../../src/lib/domain/farms/farm.ts';
import type { RecordOutput, ResultRecord } from '../../src/lib/wrapper/record.ts';
import type { JobSpec } from '../../src/lib/wrapper/spec.ts';
import { adler32, type Disks } from './fake-storage.ts';
import type { Scheduler } from './scheduler.ts';

type TaskState = Status['state'];

export interface SimTask {
  readonly key: string;
  readonly spec: JobSpec;
  readonly backendId: string;
  state: TaskState;
  raw: string;
  /** Starts of the wrapper: its own marks, not our documents. */
  starts: number;
  /** What it was before, for stale answers. */
  readonly past: { readonly until: number; readonly state: TaskState; readonly raw: string }[];
}

/** How jobs end, as probabilities; the rest succeeds. */
export interface JobFaults {
  /** Payload fails, with a record. */
  readonly fails: number;
  /** The node dies: the batch system says ended, no record ever. */
  readonly dies: number;
  /** As above, and the batch system forgets that it ever knew the job. */
  readonly vanishes: number;
  /** The batch system starts it again by itself. */
  readonly requeues: number;
  /** An output is damaged or lost at the storage element after the wrapper looked. */
  readonly spoils: number;
  /** The batch system restarts while it runs, and for less than the grace period knows of no job. */
  readonly blanks: number;
  /** The record arrives only long after the job left. */
  readonly slowRecords: number;
}

export const NO_JOB_FAULTS: JobFaults = {
  fails: 0,
  dies: 0,
  vanishes: 0,
  requeues: 0,
  spoils: 0,
  blanks: 0,
  slowRecords: 0,
};

/** What the invariants want to hear of. */
export interface ClusterWatcher {
  released(cluster: Cluster, task: SimTask): void;
  started(cluster: Cluster, task: SimTask): void;
  /** Before anything of it happens. */
  canceled(cluster: Cluster, task: SimTask): void;
}

const MINUTE = 60_000;

export class Cluster {
  readonly tasks = new Map<string, SimTask>();
  faults: JobFaults = NO_JOB_FAULTS;
  /** Unreachable until then. */
  downUntil = 0;
  /** Restarting: until then it answers, and knows nothing of its jobs. */
  blankUntil = 0;
  watcher: ClusterWatcher | undefined;
  sabotage: string | undefined;
  private readonly ready: ResultRecord[] = [];
  private readonly acknowledged = new Set<string>();
  private serial = 0;
  private longest = 180 * MINUTE;

  constructor(
    readonly site: string,
    private slots: number,
    private readonly scheduler: Scheduler,
    private readonly disks: Disks,
  ) {}

  get identity(): Identity {
    return { cluster: `cluster-${this.site}`, user: 'prod' };
  }

  /** Short jobs and many places, from now on: peace is no test of patience. */
  brisk(): void {
    this.longest = 10 * MINUTE;
    this.slots = 20;
  }

  in(...states: readonly TaskState[]): SimTask[] {
    return [...this.tasks.values()].filter((task) => states.includes(task.state));
  }

  accept(tasks: readonly Task[]): Map<string, string> {
    for (const { key, spec } of tasks) {
      if (this.tasks.has(key)) continue;
      const backendId = `${this.site}-${++this.serial}`;
      const past = [{ until: this.scheduler.now, state: 'absent' as const, raw: '' }];
      this.tasks.set(key, { key, spec, backendId, state: 'held', raw: 'HELD', starts: 0, past });
    }
    if (this.sabotage === 'no-hold') this.release(tasks.map(({ key }) => key));
    return new Map(tasks.map(({ key }) => [key, this.tasks.get(key)!.backendId]));
  }

  release(keys: readonly string[]): void {
    for (const key of keys) {
      const task = this.tasks.get(key);
      if (task?.state !== 'held') continue;
      this.move(task, 'pending', 'PENDING');
      this.watcher?.released(this, task);
      this.dispatchSoon();
    }
  }

  cancel(keys: readonly string[]): void {
    if (this.sabotage === 'deaf') return;
    for (const key of keys) {
      const task = this.tasks.get(key);
      if (task) this.watcher?.canceled(this, task);
      if (task?.state === 'held' || task?.state === 'pending') this.move(task, 'ended', 'CANCELLED');
      // A running one takes a while to die, and may be done first.
      if (task?.state === 'running') {
        const starts = task.starts;
        this.later(this.scheduler.random.spread(1_000, 3 * MINUTE), () => {
          if (task.state === 'running' && task.starts === starts) this.killed(task);
        });
      }
    }
  }

  status(key: string, at = this.scheduler.now): Status {
    const task = this.tasks.get(key);
    if (this.scheduler.now < this.blankUntil) return blank(task);
    if (!task || (this.sabotage === 'forgets' && task.state === 'running')) return { state: 'absent' };
    const { state, raw } = task.past.find((past) => past.until > at) ?? task;
    return state === 'absent' ? { state } : { state, raw, backendId: task.backendId };
  }

  /** What a listing of the queue shows. */
  listed(): string[] {
    if (this.scheduler.now < this.blankUntil) return [];
    return this.in('held', 'pending', 'running').map((task) => task.key);
  }

  records(limit: number): ResultRecord[] {
    return this.ready.filter((record) => !this.acknowledged.has(record.execution)).slice(0, limit);
  }

  acknowledge(records: readonly ResultRecord[]): void {
    for (const record of records) this.acknowledged.add(record.execution);
  }

  private killed(task: SimTask): void {
    this.move(task, 'ended', 'CANCELLED');
    // The wrapper traps the signal and still writes its record, unless the node is slower than its executioner.
    if (this.scheduler.random.chance(0.7)) this.record(task, `${task.key}x${task.starts}`, 'killed', 143, []);
    this.dispatchSoon();
  }

  private move(task: SimTask, state: TaskState, raw: string): void {
    task.past.push({ until: this.scheduler.now, state: task.state, raw: task.raw });
    task.state = state;
    task.raw = raw;
    this.scheduler.note(() => `${this.site}: ${task.key} (${task.spec.ref}) ${state} ${raw}`);
  }

  private dispatchSoon(): void {
    this.later(this.scheduler.random.spread(1_000, MINUTE), () => this.dispatch());
  }

  private dispatch(): void {
    const free = this.slots - this.in('running').length;
    for (const task of this.in('pending').slice(0, Math.max(0, free))) this.start(task);
  }

  private start(task: SimTask): void {
    task.starts++;
    this.move(task, 'running', 'RUNNING');
    this.watcher?.started(this, task);
    const { random } = this.scheduler;
    const starts = task.starts;
    if (this.struck('batch system blank', this.faults.blanks)) {
      this.blankUntil = this.scheduler.now + random.spread(30_000, 4 * MINUTE);
    }
    this.later(random.spread(MINUTE, this.longest), () => {
      if (task.state === 'running' && task.starts === starts) this.finish(task);
    });
  }

  private finish(task: SimTask): void {
    const { random } = this.scheduler;
    const { faults } = this;
    const execution = `${task.key}x${task.starts}`;
    if (this.struck('job requeued', faults.requeues)) {
      if (random.chance(0.5)) this.outputs(task, execution);
      this.move(task, 'pending', 'REQUEUED');
    } else if (this.struck('job vanished', faults.vanishes)) this.move(task, 'absent', '');
    else if (this.struck('node died', faults.dies)) this.move(task, 'ended', 'NODE_FAIL');
    else if (this.struck('payload failed', faults.fails)) {
      this.move(task, 'ended', 'exit 2');
      this.record(task, execution, 'payload', 2, []);
    } else {
      const outputs = this.outputs(task, execution);
      if (outputs) this.record(task, execution, 'done', 0, outputs);
      else this.record(task, execution, 'stage-in', 3, []);
      this.move(task, 'ended', 'COMPLETED');
      if (outputs && this.struck('output spoilt', faults.spoils)) this.spoil(random.pick(outputs));
    }
    this.dispatchSoon();
  }

  /** Writes the outputs as the wrapper does; `undefined` when an input is not there. */
  private outputs(task: SimTask, execution: string): RecordOutput[] | undefined {
    const { spec } = task;
    const inputs = spec.inputs.map(({ source }) => this.disks.at(source));
    if (inputs.some((input) => !input?.disk.files.has(input.path))) return undefined;
    const destination = this.scheduler.random.chance(0.8) ? spec.destinations[0]! : spec.destinations.at(-1)!;
    const disk = this.disks.byName.get(destination.storage)!;
    return spec.outputs.map(({ type, name }) => {
      const path = `${destination.path}/${execution}/${name}`;
      const bytes = `${spec.ref} ${type} of ${inputs.length} by ${execution}`;
      disk.write(path, bytes);
      return { type, name, storage: disk.name, path, size: bytes.length, checksum: `md5:${adler32(bytes)}` };
    });
  }

  private spoil(output: RecordOutput): void {
    const disk = this.disks.byName.get(output.storage)!;
    if (this.scheduler.random.chance(0.5)) disk.files.delete(output.path);
    else disk.write(output.path, disk.read(output.path).slice(0, -3));
  }

  private record(task: SimTask, execution: string, phase: string, exit: number, outputs: RecordOutput[]): void {
    const reason = phase === 'done' ? 'done' : `${phase} failed`;
    const record: ResultRecord = { key: task.key, execution, phase, exit, reason, wall: 60, host: 'node', outputs };
    const slow = this.struck('slow record', this.faults.slowRecords);
    const delay = slow ? this.scheduler.random.spread(MINUTE, 20 * MINUTE) : this.scheduler.random.whole(0, 500);
    this.later(delay, () => {
      this.ready.push(record);
      this.scheduler.note(() => `${this.site}: record ${execution} ${phase}`);
    });
  }

  private struck(kind: string, probability: number): boolean {
    if (!this.scheduler.random.chance(probability)) return false;
    this.scheduler.count(kind);
    return true;
  }

  private later(milliseconds: number, run: () => void): void {
    this.scheduler.at(this.scheduler.now + milliseconds, run);
  }
}

/** Of a system that has lost its memory for a while: start marks are all that there is. */
function blank(task: SimTask | undefined): Status {
  return task && task.starts > 0 ? { state: 'ended', raw: 'not listed', inferred: true } : { state: 'absent' };
}
