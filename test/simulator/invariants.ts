// What must hold at every moment and at the end, whatever was injected. Watches every version of every document, every
// release and every start; keeps its own books and believes no document that it can check.
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import { type Doc, HISTORY_LIMIT } from '../../src/lib/domain/doc.ts';
import type { FarmDoc } from '../../src/lib/domain/farms/farm.ts';
import { farmId, refOf } from '../../src/lib/domain/ids.ts';
import type { JobDoc, Subjob } from '../../src/lib/domain/jobs/job.ts';
import {
  isActive,
  keyOf,
  type Lock,
  lockOf,
  passState,
  type SubjobState,
  TRANSITIONS,
} from '../../src/lib/domain/jobs/states.ts';
import type { Settings } from '../../src/lib/domain/settings.ts';
import { iso, ms } from '../../src/lib/util/time.ts';
import type { Cluster, ClusterWatcher, SimTask } from './cluster.ts';
import type { Database } from './database.ts';
import { adler32, type Disks } from './fake-storage.ts';
import type { Scheduler } from './scheduler.ts';

export class Invariants implements ClusterWatcher {
  readonly violations: string[] = [];
  /** Starts of wrappers, and attempts that were given up while they might still run. */
  readonly counts = { starts: 0, completions: 0, givenUp: 0, writes: 0 };
  /** Keys whose backend id a job document has held: the only ones that may be released. */
  private readonly recorded = new Set<string>();
  private readonly owners = new Map<string, { readonly job: string; readonly subjob: number }>();
  /** When each site last proved to be alive: heartbeats that go back prove nothing. */
  private readonly beats = new Map<string, number>();
  private readonly givenUp = new Set<string>();
  private readonly completed = new Map<string, number>();
  private readonly tasksOf = new Map<string, { readonly task: SimTask; readonly cluster: Cluster }[]>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly database: Database,
    private readonly disks: Disks,
    private readonly settings: Settings,
  ) {
    database.watchers.push((id, before, after) => this.written(id, before, after));
  }

  fail(text: string): void {
    this.scheduler.note(() => `** VIOLATION ${text}`);
    this.violations.push(`${iso(this.scheduler.now)} ${text}`);
  }

  private written(id: string, before: Doc | undefined, after: Doc | undefined): void {
    this.counts.writes++;
    if (this.scheduler.lines) this.scheduler.note(() => describe(id, before, after));
    if (after?.kind === 'job') this.jobWritten(before as JobDoc | undefined, after as JobDoc);
    if (after?.kind === 'farm') this.beat(before as FarmDoc | undefined, after as FarmDoc);
    if (after?.kind === 'data') this.dataWritten(after as DataDoc);
    if (before?.kind === 'job' && !after) this.fail(`${id} was removed`);
  }

  private beat(before: FarmDoc | undefined, after: FarmDoc): void {
    const last = this.beats.get(after.site) ?? 0;
    this.beats.set(after.site, Math.max(last, ms(after.heartbeat)));
    if (before && after.heartbeat < before.heartbeat)
      this.fail(`${after._id}: heartbeat went back to ${after.heartbeat}`);
    if (before && after.epoch < before.epoch) this.fail(`${after._id}: epoch went back`);
  }

  private jobWritten(before: JobDoc | undefined, after: JobDoc): void {
    const states = after.subjobs.map((subjob) => subjob.state);
    if (after.state !== passState(states))
      this.fail(`${after._id}: pass state ${after.state} is not that of its subjobs`);
    if (after.history.length > HISTORY_LIMIT) this.fail(`${after._id}: ${after.history.length} lines of history`);
    for (const subjob of after.subjobs) {
      const old = before?.subjobs[subjob.index];
      if (!old) this.created(after, subjob);
      else if (old.state !== subjob.state) this.moved(after, old, subjob);
      if (old && subjob.attempt < old.attempt) this.fail(`${after._id}.${subjob.index}: attempt went back`);
    }
    if (before && after.subjobs.length !== before.subjobs.length) this.fail(`${after._id}: number of subjobs changed`);
  }

  private created(job: JobDoc, subjob: Subjob): void {
    const { name } = subjob.state;
    if (name !== 'waiting' && name !== 'held') this.fail(`${job._id}.${subjob.index} was created ${name}`);
  }

  private moved(job: JobDoc, old: Subjob, now: Subjob): void {
    const ref = refOf(job.run, job.module, job.pass, now.index);
    const [from, to] = [old.state, now.state];
    if (!reachable(from.name, to.name)) this.fail(`${ref}: ${from.name} to ${to.name} is not in the transition table`);
    const [was, is] = [lockOf(from), lockOf(to)];
    if (to.name === 'submitting') {
      this.owners.set(keyOf(to.lock), { job: job._id, subjob: now.index });
      if (now.attempt !== old.attempt + 1)
        this.fail(`${ref}: claimed, but attempt ${old.attempt} became ${now.attempt}`);
    } else if (is && was && keyOf(is) !== keyOf(was)) {
      this.fail(`${ref}: ${from.name} with key ${keyOf(was)} became ${to.name} with key ${keyOf(is)}`);
    }
    if ((to.name === 'submitted' || to.name === 'running') && is) this.recorded.add(keyOf(is));
    if (to.name === 'completed') this.completion(ref, to);
    if ((from.name === 'submitted' || from.name === 'running') && to.name === 'waiting' && was) {
      const asked = old.wanted !== undefined || now.failures > old.failures;
      if (!this.leftBehind(was) && !asked) this.fail(`${ref}: ${keyOf(was)} was given up, though its site is alive`);
    }
  }

  /** The exception of the invariant: the site was away for too long, or an operator unlocked it. */
  private leftBehind(lock: Lock): boolean {
    const farm = this.database.read(farmId(lock.site)) as FarmDoc | undefined;
    const away = this.scheduler.now - (this.beats.get(lock.site) ?? 0);
    if (!farm || (farm.epoch <= lock.epoch && away < this.settings.limits.giveUp)) return false;
    this.givenUp.add(keyOf(lock));
    this.counts.givenUp++;
    return true;
  }

  private completion(ref: string, state: Extract<SubjobState, { name: 'completed' }>): void {
    this.counts.completions++;
    const times = (this.completed.get(ref) ?? 0) + 1;
    this.completed.set(ref, times);
    if (times > 1) this.fail(`${ref} completed ${times} times`);
    this.outputsStored(ref, state);
    if (state.outputs.length === 0) this.fail(`${ref} completed without outputs`);
  }

  outputsStored(ref: string, state: Extract<SubjobState, { name: 'completed' }>): void {
    for (const output of state.outputs) {
      const bytes = this.disks.byName.get(output.storage)?.files.get(output.path)?.bytes;
      const what = `${ref}: ${output.path} at ${output.storage}`;
      if (bytes === undefined) this.fail(`${what} is catalogued, not stored`);
      else if (adler32(bytes) !== output.adler32 || bytes.length !== output.size) this.fail(`${what} has other bytes`);
      else if (!bytes.startsWith(`${ref} ${output.type} `) || !bytes.endsWith(` ${state.execution}`))
        this.fail(`${what} holds "${bytes}"`);
      if (!output.path.includes(`/${state.execution}/`)) this.fail(`${what} is not of execution ${state.execution}`);
    }
  }

  dataWritten(doc: DataDoc): void {
    for (const file of doc.files) {
      for (const [name, replica] of Object.entries(file.replicas)) {
        if (replica.state !== 'verified') continue;
        const bytes = this.disks.byName.get(name)?.files.get(replica.path)?.bytes;
        if (bytes === undefined) this.fail(`${file.name}: verified at ${name}, not stored at ${replica.path}`);
        else if (adler32(bytes) !== file.adler32) this.fail(`${file.name}: verified at ${name}, holds "${bytes}"`);
      }
    }
  }

  released(_cluster: Cluster, task: SimTask): void {
    if (!this.recorded.has(task.key)) this.fail(`${task.spec.ref}: ${task.key} released, but never recorded`);
  }

  started(cluster: Cluster, task: SimTask): void {
    this.counts.starts++;
    const { ref } = task.spec;
    const others = this.tasksOf.get(ref) ?? [];
    if (!others.some((other) => other.task === task)) this.tasksOf.set(ref, [...others, { task, cluster }]);
    for (const { task: other, cluster: where } of others) {
      const live = other.state === 'pending' || other.state === 'running';
      if (other === task || !live || this.givenUp.has(other.key) || this.givenUp.has(task.key)) continue;
      this.fail(`${ref}: ${task.key} started at ${cluster.site} while ${other.key} is ${other.state} at ${where.site}`);
    }
    const once = this.completed.get(ref) ?? 0;
    if (once > 0 && task.starts === 1 && !this.givenUp.has(task.key) && !this.anyGivenUp(ref)) {
      this.fail(`${ref}: ${task.key} started after the subjob had completed`);
    }
  }

  /** Only what nobody owns any more, or what somebody wants stopped, may be cancelled. */
  canceled(_cluster: Cluster, task: SimTask): void {
    const owner = this.owners.get(task.key);
    const subjob = owner && (this.database.read(owner.job) as JobDoc | undefined)?.subjobs[owner.subjob];
    const lock = subjob && lockOf(subjob.state);
    if (!lock || keyOf(lock) !== task.key || subjob.wanted || !isActive(subjob.state)) return;
    if (task.state === 'ended' || task.state === 'absent') return;
    this.fail(`${task.spec.ref}: ${task.key} is cancelled while the subjob is ${subjob.state.name} with it`);
  }

  private anyGivenUp(ref: string): boolean {
    return (this.tasksOf.get(ref) ?? []).some(({ task }) => this.givenUp.has(task.key));
  }
}

/** Steps that one write may take together: an observation can be news of several events. */
const TOGETHER: readonly (readonly [string, string])[] = [
  ['submitting', 'running'],
  ['failed', 'submitting'],
];

function reachable(from: SubjobState['name'], to: SubjobState['name']): boolean {
  const direct = Object.values(TRANSITIONS).some(
    (event) => event.to === to && (event.from as readonly string[]).includes(from),
  );
  return direct || TOGETHER.some(([before, after]) => before === from && after === to);
}

function describe(id: string, before: Doc | undefined, after: Doc | undefined): string {
  if (!after) return `   = ${id} removed`;
  if (after.kind !== 'job') return `   = ${id} ${after._rev}`;
  const [old, now] = [before as JobDoc | undefined, after as JobDoc];
  const moves = now.subjobs.flatMap((subjob) => {
    const was = old?.subjobs[subjob.index];
    if (was === subjob) return [];
    const lock = lockOf(subjob.state);
    const wanted = subjob.wanted ? ` wanted ${subjob.wanted.state}` : '';
    const wake =
      subjob.state.name === 'waiting' && subjob.state.wake.kind === 'on' ? ` on ${subjob.state.wake.id}` : '';
    return `.${subjob.index} ${was?.state.name ?? '-'}>${subjob.state.name}${lock ? ` ${keyOf(lock)}` : ''}${wake}${wanted}`;
  });
  return `   = ${id} ${after._rev} ${moves.join(' ')}`;
}
