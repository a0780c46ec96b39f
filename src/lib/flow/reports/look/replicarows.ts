// Copies of files, raw ones and outputs: by run, by file name, LFN or GUID. A name says its run; only a GUID, which says
// nothing, makes it read everything.

import type { Registered } from '../../../domain/catalogue/compare.ts';
import type { DataDoc, RawFile } from '../../../domain/data/data.ts';
import { dataId, jobId, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Output } from '../../../domain/jobs/states.ts';
import { compilePattern } from '../../../domain/runs/pattern.ts';
import { idsWith, pages } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A copy of one raw file, or one output of a pass, at a storage element. */
export interface ReplicaRow extends Row<'replica'> {
  readonly run: number;
  /** Absent: an output. */
  readonly level?: string;
  /** Name of the file. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly guid: string;
  /** Logical file name. */
  readonly lfn: string;
  /** Storage element. */
  readonly storage: string;
  readonly state: 'copying' | 'verified' | 'bad' | 'failed';
  readonly since: Iso;
  /** Path at the storage element. */
  readonly path?: string;
  readonly checkedAt?: Iso;
  readonly why?: string;
  /** With `--catalogue`: the state of this copy in the catalogue (Rucio). `no-rse`: the element has no RSE. */
  readonly registered?: Registered | 'no-rse';
  /** `scope:name` there. */
  readonly registeredAs?: string;
  /** What the catalogue has otherwise. */
  readonly difference?: string;
}

/** One row for each copy of a raw file, in whatever state. */
export function* rawRows(
  doc: DataDoc,
  wanted: (file: RawFile) => boolean = () => true,
): Generator<ReplicaRow, void, void> {
  for (const file of doc.files.filter(wanted)) {
    const { name, size, guid, lfn } = file;
    const common = { kind: 'replica' as const, ref: doc._id, run: doc.run, level: doc.level, name, size, guid, lfn };
    for (const [storage, replica] of Object.entries(file.replicas)) {
      yield {
        ...common,
        storage,
        state: replica.state,
        since: replica.since,
        ...('path' in replica ? { path: replica.path } : {}),
        ...('checkedAt' in replica ? { checkedAt: replica.checkedAt } : {}),
        ...('why' in replica ? { why: replica.why } : {}),
      };
    }
  }
}

/** One row for each published output of a pass. */
export function* outputRows(
  job: JobDoc,
  wanted: (output: Output) => boolean = () => true,
): Generator<ReplicaRow, void, void> {
  for (const { index, state } of job.subjobs) {
    if (state.name !== 'completed') continue;
    for (const output of state.outputs.filter(wanted)) {
      const { name, size, guid, lfn, storage, path, checkedAt, bad } = output;
      yield {
        kind: 'replica',
        ref: refOf(job.run, job.module, job.pass, index),
        run: job.run,
        name,
        size,
        guid,
        lfn,
        storage,
        state: bad === undefined ? 'verified' : 'bad',
        since: state.since,
        path,
        ...given({ checkedAt, why: bad }),
      };
    }
  }
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** True for a word that names a file: a GUID, an LFN, or a name with a dot or an underscore in it. */
export function isFileWord(word: string): boolean {
  return GUID.test(word) || word.startsWith('/') || /^[^\s/:@{-][^\s/:]*[._][^/]*$/.test(word);
}

/** Copies of the files that the words name; a file of which nothing is known is a failed row. */
export async function* replicasNamed(ports: ReadPorts, words: readonly string[]): Rows<ReplicaRow> {
  const guids = new Set(words.filter((word) => GUID.test(word)).map((word) => word.toLowerCase()));
  const found = new Set<string>();
  for (const word of words.filter((one) => !GUID.test(one))) {
    for await (const row of byName(ports, word)) {
      found.add(word);
      yield row;
    }
  }
  if (guids.size > 0) {
    for await (const row of byGuid(ports, guids)) {
      if ('guid' in row) found.add(row.guid);
      yield row;
    }
  }
  for (const word of words.filter((one) => !found.has(one) && !found.has(one.toLowerCase()))) {
    yield {
      kind: 'document',
      ref: word,
      did: 'missing',
      failed: true,
      text: 'no such file in the catalogue',
      next: 'dflow list replicas --run N',
    };
  }
}

async function* byName(ports: ReadPorts, word: string): Rows<ReplicaRow> {
  const name = word.slice(word.lastIndexOf('/') + 1);
  const same = (file: { name: string; lfn: string }): boolean =>
    word.startsWith('/') ? file.lfn === word : file.name === name;
  const { store, settings } = ports;
  for (const { level, pattern } of settings.buffers) {
    const numbers = compilePattern(pattern).parse(name);
    const id = numbers && dataId(level, numbers.run);
    const doc = id && (await store.get<DataDoc>([id])).get(id);
    if (doc) yield* rawRows(doc, same);
  }
  const output = /^(.+)_r(\d{10})_s\d{3,}_p(\d{3,})\./.exec(name);
  if (!output) return;
  const id = jobId(Number(output[2]), output[1] ?? '', Number(output[3]));
  const job = (await store.get<JobDoc>([id])).get(id);
  if (job) yield* outputRows(job, same);
}

/** Documents read at a time. */
const PAGE = 500;

async function* byGuid({ store }: ReadPorts, guids: ReadonlySet<string>): Rows<ReplicaRow> {
  const wanted = ({ guid }: { guid: string }): boolean => guids.has(guid);
  for (const prefix of ['data:', 'job:']) {
    for await (const page of pages<DataDoc | JobDoc>(store, idsWith(prefix), PAGE))
      for (const doc of page) yield* doc.kind === 'data' ? rawRows(doc, wanted) : outputRows(doc, wanted);
  }
}
