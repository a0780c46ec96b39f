// What each kind of document must have so that it can be read, and the id that its fields make. Another version, an
// import or a hand in the database may have left a document that does not: it is named and passed over.
import * as s from '../util/values/shape.ts';
import type { Doc } from './doc.ts';
import { firstPassId } from './firstpass/firstpass.ts';
import { parseTableId } from './formats/ratdb.ts';
import { claimId, dataId, farmId, jobId, quarantineId, requestId, runId } from './ids.ts';
import { FORMS, type Forms } from './migrations/migrations.ts';
import { archivedId } from './runs/archived.ts';
import { breakerId } from './storage/breaker.ts';

const history = s.list(s.fields({ at: s.text, to: s.text, by: s.text }));
const texts = s.list(s.text);

const level = s.fields(
  { lastFile: s.when, late: texts, files: s.whole },
  { blocked: s.text, complete: s.fields({ at: s.when, subruns: s.list(s.whole), evidence: s.text }) },
);
const run = s.fields(
  { run: s.whole, levels: s.map(level), firstSeen: s.when, history },
  {
    mask: s.whole,
    maskFrom: s.text,
    labels: texts,
    automatic: s.map(s.fields({ at: s.when, modules: texts }, { left: s.text })),
    notes: s.list(s.fields({ text: s.text })),
  },
);

const claimed = { attempt: s.whole, since: s.when };
const copied = { ...claimed, path: s.below };
const replica = s.tagged('state', {
  copying: s.fields({ ...claimed, host: s.text, nonce: s.text, expires: s.when }),
  verified: s.fields({ ...copied, checkedAt: s.when }),
  bad: s.fields({ ...copied, why: s.text }),
  failed: s.fields({ ...claimed, why: s.text, retryAt: s.when }),
});
const original = s.tagged('state', {
  present: s.anything,
  purging: s.fields({ nonce: s.text, host: s.text, since: s.when }),
  changed: s.fields({ since: s.when, why: s.text }),
  purged: s.fields({ since: s.when, receipt: s.text }),
});
const said = s.fields(
  {},
  {
    copies: s.map(s.map(s.map(s.text))),
    closed: s.map(s.when),
    pinned: s.map(texts),
    names: s.map(s.text),
    refused: s.map(s.fields({ why: s.text, since: s.when })),
  },
);
const rawFile = s.fields({
  ...{ name: s.below, path: s.below, subrun: s.whole, size: s.whole, adler32: s.text, guid: s.text, lfn: s.text },
  ...{ modified: s.when, registered: s.when, late: s.flag, original, replicas: s.map(replica) },
});
const keep = s.fields({ kept: s.flag, rule: s.text });
const data = s.fields(
  { level: s.text, run: s.whole, files: s.list(rawFile), keep, done: texts, host: s.text, history },
  { catalogue: said },
);

const lock = s.fields({ site: s.text, epoch: s.whole, claim: s.text, index: s.whole });
const failure = s.fields({ cause: s.text, reason: s.text, site: s.text });
const output = s.fields({
  type: s.text,
  name: s.below,
  storage: s.text,
  path: s.below,
  size: s.whole,
  adler32: s.text,
});
const since = { since: s.when };
const wake = s.tagged('kind', { ready: s.anything, on: s.fields({ id: s.text }) });
const state = s.tagged('name', {
  waiting: s.fields({ ...since, wake }),
  held: s.fields({ ...since, reason: s.text }, { until: s.when, failure }),
  submitting: s.fields({ ...since, lock }),
  submitted: s.fields({ ...since, lock, backendId: s.text }),
  running: s.fields({ ...since, lock, backendId: s.text }),
  completed: s.fields({ ...since, lock, execution: s.text, outputs: s.list(output), usage: s.map(s.anything) }),
  failed: s.fields({ ...since, failure }, { lock }),
  canceled: s.fields({ ...since, why: s.text }),
  deleted: s.fields({ ...since, receipt: s.text }),
});
const input = s.tagged('kind', { raw: s.fields({ level: s.text, name: s.text }), output: s.fields({ job: s.text }) });
const subjob = s.fields(
  { index: s.whole, inputs: s.list(input), attempt: s.whole, failures: s.whole, state },
  {
    wanted: s.fields({ state: s.oneOf('canceled', 'waiting'), at: s.when }),
    lastFailure: failure,
    tries: s.list(s.fields({ attempt: s.whole, site: s.text, key: s.text, since: s.when, ended: s.when })),
  },
);
const job = s.fields(
  {
    ...{ run: s.whole, module: s.text, pass: s.whole, version: s.text, level: s.text, priority: s.number },
    ...{ labels: texts, created: s.when, needs: s.list(s.fields({ module: s.text, pass: s.whole, job: s.text })) },
    ...{
      outputs: s.map(s.text),
      tables: s.map(s.text),
      subjobs: s.list(subjob),
      state: s.text,
      since: s.when,
      history,
    },
  },
  {
    ...{ mask: s.whole, request: s.text, tag: s.text, copies: s.map(s.fields({ attempt: s.whole })) },
    ...{ loaded: s.map(texts), catalogue: said },
  },
);

const scope = s.fields(
  {},
  {
    ...{ runs: s.list(s.tuple(s.whole, s.whole)), modules: texts, versions: texts, sites: texts, storages: texts },
    ...{ levels: texts, requests: texts, labels: texts, automatic: s.flag },
  },
);
const ended = s.fields({ at: s.when, by: s.text });
const hold = s.fields({ what: s.text, scope, why: s.text, by: s.text, since: s.when }, { until: s.when, ended });

const planned = s.fields({
  ...{ run: s.whole, module: s.text, pass: s.whole },
  needs: s.list(s.fields({ module: s.text, pass: s.whole })),
});
const request = s.fields(
  {
    ...{ name: s.text, version: s.text, level: s.text, modules: texts, priority: s.number, labels: texts },
    ...{ prerequisite: s.text, plan: s.list(planned), by: s.text, created: s.when, history },
  },
  { parts: s.list(s.fields({ id: s.text, passes: s.whole })) },
);

const identity = s.fields({ cluster: s.text, user: s.text });
const farm = s.fields(
  { site: s.text, backend: s.text, epoch: s.whole, identity, heartbeat: s.when, host: s.text, slots: s.number },
  { versions: texts },
);
const claim = s.fields(
  { site: s.text, epoch: s.whole, nonce: s.text, at: s.when, by: s.text, refs: s.list(s.tuple(s.text, s.whole)) },
  { taken: s.when, settled: s.list(s.whole), unseen: s.map(s.when) },
);
const held = s.fields({ nonce: s.text, host: s.text, lanes: s.whole, since: s.when, until: s.when });
const trouble = s.fields({ failures: s.whole, since: s.when, why: s.text, trips: s.whole }, { until: s.when });
const place = { name: s.text, index: s.text, first: s.integer, last: s.integer, pass: s.whole };

const SHAPES: Readonly<Record<string, s.Shape>> = {
  run,
  data,
  job,
  hold,
  request,
  plan: s.fields({ name: s.text, plan: s.list(planned) }),
  farm,
  claim,
  quarantine: s.fields({ level: s.text, name: s.below, reason: s.text, detail: s.text, at: s.when }, { run: s.whole }),
  table: s.fields({ ...place, hash: s.text, revision: s.text, at: s.when, from: s.text }),
  tablebody: s.fields({ name: s.text, fields: s.map(s.anything) }),
  tag: s.fields({
    name: s.text,
    at: s.when,
    tables: s.whole,
    parts: s.list(s.fields({ id: s.text, first: s.text, last: s.text })),
  }),
  tagpart: s.fields({ entries: s.list(s.anything) }),
  lease: s.fields({ what: s.text, host: s.text, nonce: s.text, by: s.text, since: s.when, renewed: s.when }),
  lanes: s.fields({ held: s.list(held) }),
  storage: s.fields({ name: s.text, causes: s.map(trouble) }),
  loop: s.fields({ host: s.text, loop: s.text, at: s.when, outcome: s.text }),
  buffer: s.fields({ host: s.text, level: s.text, at: s.when, total: s.number, free: s.number }),
  credential: s.fields({ host: s.text, at: s.when, state: s.text, text: s.text }, { expires: s.when }),
  firstpass: s.fields(
    { run: s.whole, state: s.text, nonce: s.text, tries: s.whole, until: s.when },
    { job: s.text, failures: s.whole, since: s.when, why: s.text, host: s.text },
  ),
  looks: s.fields({ host: s.text, level: s.text, looks: s.list(s.fields({ at: s.when, marks: s.text })) }),
  notify: s.fields({
    rule: s.text,
    said: s.map(s.fields({ kind: s.text, text: s.text, since: s.when, at: s.when, count: s.whole })),
  }),
  sample: s.fields({ name: s.text, hours: s.list(s.fields({ hour: s.text, ok: s.whole, failed: s.whole })) }),
  day: s.fields(
    {
      day: s.text,
      at: s.when,
      host: s.text,
      runs: s.map(s.whole),
      passes: s.map(s.whole),
      elements: s.map(s.fields({ files: s.whole, ok: s.whole, failed: s.whole }, { total: s.number, free: s.number })),
      buffers: s.map(s.fields({ total: s.number, free: s.number })),
    },
    { spaceAt: s.when },
  ),
  notice: s.fields({ what: s.text, run: s.whole, name: s.text, text: s.text, since: s.when }),
  sweep: s.fields({ after: s.whole, at: s.when }),
  note: s.fields({ at: s.when, by: s.text, text: s.text, refs: texts }),
  unread: s.fields({ document: s.text, wrong: s.text, since: s.when }),
  probe: s.fields({ host: s.text, at: s.when }),
  catalogue: s.fields({ name: s.text, at: s.when }, { away: s.fields({ since: s.when, why: s.text }) }),
  archived: s.fields(
    {
      ...{ run: s.whole, state: s.oneOf('leaving', 'archived', 'returning'), file: s.text, host: s.text },
      ...{ sha256: s.text, at: s.when, by: s.text, documents: s.whole },
      levels: s.map(s.fields({ files: s.whole, bytes: s.whole })),
      passes: s.list(s.fields({ module: s.text, pass: s.whole, version: s.text, state: s.text })),
      places: s.map(s.fields({ files: s.whole, marks: s.text })),
    },
    { mask: s.whole },
  ),
  trash: s.fields(
    {
      level: s.text,
      host: s.text,
      name: s.below,
      places: s.list(s.below),
      reason: s.text,
      detail: s.text,
      size: s.whole,
      modified: s.when,
      at: s.when,
      by: s.text,
      receipt: s.text,
    },
    { run: s.whole, why: s.text },
  ),
};

/** Kinds of documents that this program knows. */
export const KINDS: readonly string[] = Object.keys(SHAPES);

type Fields = Readonly<
  Record<'run' | 'pass', number> &
    Record<'level' | 'module' | 'name' | 'site' | 'nonce', string> & { readonly job?: string }
>;

/** The id that a document's fields make, where they make all of it. */
const IDS: Readonly<Record<string, (doc: Fields) => string>> = {
  run: (doc) => runId(doc.run),
  data: (doc) => dataId(doc.level, doc.run),
  job: (doc) => jobId(doc.run, doc.module, doc.pass),
  farm: (doc) => farmId(doc.site),
  claim: (doc) => claimId(doc.nonce),
  request: (doc) => requestId(doc.name),
  quarantine: (doc) => quarantineId(doc.level, doc.name),
  firstpass: (doc) => firstPassId(doc.run, doc.job),
  storage: (doc) => breakerId(doc.name),
  archived: (doc) => archivedId(doc.run),
};

/** True for a document that only a newer dflow can read. */
export const isNewer = ({ v }: Doc, { version }: Forms = FORMS): boolean => v > version;

const NEWER = 'v: made by a newer dflow';

/** The same, by what `unsound` said of it. */
export const tellsNewer = (wrong: string): boolean => wrong.startsWith(NEWER);

/** What is wrong with a document, by its field; `undefined`: it can be read. */
export function unsound(doc: Doc, forms: Forms = FORMS): string | undefined {
  const { _id: id, kind, v } = doc;
  if (typeof kind !== 'string') return 'kind: expected text';
  if (typeof v !== 'number') return 'v: expected a number';
  if (isNewer(doc, forms)) return `${NEWER} (schema ${v}, this one knows ${forms.version})`;
  const shape = Object.hasOwn(SHAPES, kind) ? SHAPES[kind] : undefined;
  if (!shape) return `kind: '${kind}' is not known (${KINDS.join(', ')})`;
  if (!id.startsWith(`${kind}:`)) return `_id: does not begin with '${kind}:'`;
  const wrong = shape(doc);
  if (wrong?.expected === s.MISSING) return `${wrong.field}: is missing`;
  if (wrong) return `${wrong.field}: expected ${wrong.expected}`;
  const made = IDS[kind]?.(doc as unknown as Fields);
  if (made !== undefined && made !== id) return `_id: its fields make ${made}`;
  return kind === 'table' && !parseTableId(id) ? '_id: not that of a table' : undefined;
}
