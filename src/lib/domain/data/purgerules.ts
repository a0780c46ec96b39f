// Which originals on the buffer may go, decided purely: each file is free by a rule, or kept by a gate that says why.
// Knows no disk and no store; the fresh checks of the copies are made by flow/purge.
import { HOUR, humanDuration, type Iso, plus } from '../../util/time.ts';
import { covers, type HoldDoc } from '../hold.ts';
import { refOf } from '../ids.ts';
import type { RunDoc } from '../runs/run.ts';
import { isLive } from './copyclaim.ts';
import type { DataDoc, RawFile, Replica } from './data.ts';

export interface PurgeRules {
  /** Whose buffer is asked about; absent: that of each file. */
  readonly host?: string;
  readonly now: Iso;
  /** Copies that must be good; at least one, whatever is configured. */
  readonly purgeAfter: number;
  /** Configured storage elements in order. */
  readonly storages: readonly string[];
  /** Milliseconds after completion before sampled-out data go. */
  readonly sampledAfter: number;
  /** Holds in force. */
  readonly holds: readonly HoldDoc[];
  /** Storage elements that cannot be asked now. */
  readonly aside: ReadonlySet<string>;
  /** Also runs with files that came late. */
  readonly late: boolean;
}

/** What is known of the run besides its data. */
export interface PurgeRun {
  readonly doc: RunDoc | undefined;
  /** Required run tables that are made from the buffer's files and are not there yet. */
  readonly missingTables: readonly string[];
  /** Jobs of the first pass that still read the buffer's files. */
  readonly firstPass?: readonly string[];
}

export type KeepGate =
  | 'elsewhere'
  | 'changed'
  | 'purging'
  | 'open'
  | 'tables'
  | 'late'
  | 'held'
  | 'busy'
  | 'copies'
  | 'sampled';

/** A copy that counts, as the catalogue has it. */
export interface Copy {
  readonly storage: string;
  readonly path: string;
  readonly attempt: number;
}

export type Verdict =
  | { readonly free: 'copies' | 'sampled-out'; readonly copies: readonly Copy[] }
  | {
      readonly keep: KeepGate;
      readonly why: string;
      /** The command that clears it. */
      readonly next: string;
    };

/** May the original of `file` go? `undefined`: it is gone already. */
export function judge(doc: DataDoc, file: RawFile, run: PurgeRun, rules: PurgeRules): Verdict | undefined {
  if (file.original.state === 'purged') return undefined;
  return ofOriginal(doc, file, rules) ?? ofRun(doc, run, rules) ?? ofCopies(doc, file, run, rules);
}

const keep = (gate: KeepGate, why: string, next: string): Verdict => ({ keep: gate, why, next });

function ofOriginal(doc: DataDoc, file: RawFile, rules: PurgeRules): Verdict | undefined {
  const { original } = file;
  if (rules.host !== undefined && doc.host !== rules.host)
    return keep('elsewhere', `on the buffer of ${doc.host}`, `dflow purge on ${doc.host}`);
  if (original.state === 'purging') return keep('purging', `being purged by ${original.host}`, 'dflow purge');
  if (original.state === 'changed') {
    return keep('changed', `not what was registered: ${original.why}`, `dflow show ${doc._id}`);
  }
  const hold = rules.holds.find(
    ({ what, scope }) => what === 'quarantine' && covers(scope, { run: doc.run, level: doc.level }),
  );
  return hold && keep('held', `${hold.what}: ${hold.why}`, `dflow resume ${hold._id}`);
}

function ofRun(
  doc: DataDoc,
  { doc: run, missingTables, firstPass = [] }: PurgeRun,
  rules: PurgeRules,
): Verdict | undefined {
  const level = run?.levels[doc.level];
  const ref = refOf(doc.run);
  if (!level?.complete) return keep('open', 'the run is not complete', `dflow why ${ref}`);
  if (level.late.length > 0 && !rules.late) {
    return keep(
      'late',
      'files came after the run was complete',
      `dflow reprocess --request late-${ref} --module NAME --run ${ref}, then: dflow purge --late`,
    );
  }
  const [job] = firstPass;
  if (job !== undefined)
    return keep('tables', `${job} of the first pass is not completed`, `dflow why ${refOf(doc.run, job)}`);
  if (missingTables.length === 0) return undefined;
  return keep('tables', `the ${missingTables.join(', ')} table is not made yet`, `dflow tables`);
}

function ofCopies(doc: DataDoc, file: RawFile, { doc: run }: PurgeRun, rules: PurgeRules): Verdict {
  const busy = Object.entries(file.replicas).find(([, replica]) => isBusy(replica, rules.now));
  if (busy) {
    const [name, replica] = busy;
    const what = replica.state === 'copying' && replica.repair ? 'being repaired' : 'being copied';
    return keep('busy', `${what} at ${name}`, `dflow why ${name}`);
  }
  const copies = rules.storages.flatMap((name) => copyAt(file, name));
  const usable = copies.filter(({ storage }) => canAsk(storage, doc, rules));
  if (!doc.keep.kept) return sampledOut(doc, run, usable, rules);
  const needed = Math.max(1, rules.purgeAfter);
  if (usable.length >= needed) return { free: 'copies', copies: usable };
  const away = copies.filter((copy) => !usable.includes(copy)).map(({ storage }) => storage);
  const lacking = rules.storages.filter((name) => !copies.some(({ storage }) => storage === name));
  const first = lacking.slice(0, Math.max(1, needed - copies.length));
  if (copies.length >= needed) return keep('copies', `${away.join(', ')} cannot be asked`, `dflow why ${away[0]}`);
  const bad = first.filter((name) => file.replicas[name]?.state === 'bad');
  if (bad.length > 0) return keep('copies', `bad at ${bad.join(', ')}`, `dflow verify --repair --storage ${bad[0]}`);
  return keep('copies', `no copy at ${first.join(', ')}`, first[0] ? `dflow why ${first[0]}` : 'dflow why buffer');
}

/** A copy under way reads what purge would delete, or replaces what purge counts on. */
function isBusy(replica: Replica, now: Iso): boolean {
  return replica.state === 'copying' && isLive(replica, now, new Set());
}

function copyAt(file: RawFile, storage: string): Copy[] {
  const replica = file.replicas[storage];
  return replica?.state === 'verified' ? [{ storage, path: replica.path, attempt: replica.attempt }] : [];
}

/**
 * May a file of the level go that is verified at exactly these elements (`-`: sampled out)? Without a look at its document,
 * so a yes is a hint; a no is certain.
 */
export function maySetGo(set: string, level: string, rules: PurgeRules): boolean {
  if (set === '-') return true;
  const known = new Set(set.split(' '));
  const closed = rules.holds.filter(({ what, scope }) => what === 'storage' && scope.runs === undefined);
  const usable = rules.storages.filter((storage) => {
    const isClosed = rules.aside.has(storage) || closed.some(({ scope }) => covers(scope, { storage, level }));
    return known.has(storage) && !isClosed;
  });
  return usable.length >= Math.max(1, rules.purgeAfter);
}

function canAsk(storage: string, doc: DataDoc, rules: PurgeRules): boolean {
  if (rules.aside.has(storage)) return false;
  const subject = { storage, level: doc.level, run: doc.run };
  return !rules.holds.some((hold) => hold.what === 'storage' && covers(hold.scope, subject));
}

/** Data that the keep rule left out need no copy, but the run must have been complete for a while. */
function sampledOut(doc: DataDoc, run: RunDoc | undefined, copies: readonly Copy[], rules: PurgeRules): Verdict {
  const at = run?.levels[doc.level]?.complete?.at ?? rules.now;
  const due = plus(at, rules.sampledAfter);
  if (due <= rules.now) return { free: 'sampled-out', copies };
  const wait = humanDuration(Math.max(HOUR / 60, rules.sampledAfter));
  return keep(
    'sampled',
    `not kept (${doc.keep.rule}), goes ${wait} after the run was complete`,
    `dflow purge after ${due}`,
  );
}

/** True while a file is still what was judged: claimed with `nonce`, each checked copy as it was, nobody busy with it. */
export function isStillFree(
  file: RawFile | undefined,
  claim: { readonly nonce: string; readonly copies: readonly Copy[]; readonly now: Iso },
): file is RawFile {
  if (file?.original.state !== 'purging' || file.original.nonce !== claim.nonce) return false;
  if (Object.values(file.replicas).some((replica) => isBusy(replica, claim.now))) return false;
  return claim.copies.every((copy) => {
    const replica = file.replicas[copy.storage];
    return replica?.state === 'verified' && replica.path === copy.path && replica.attempt === copy.attempt;
  });
}
