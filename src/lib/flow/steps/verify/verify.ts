// Verify: the catalogue against storage, in both directions. Every copy that is due is looked at, storage elements side
// by side; bad ones are marked, unless so many are bad at once that the element is the fault. Files that nobody
// catalogued are named. With `repair`, bad copies are made anew from good ones.

import type { DataDoc } from '../../../domain/data/data.ts';
import {
  applyOutputChecks,
  applyRawChecks,
  isSiteFault,
  type OutputCheck,
  type RawCheck,
} from '../../../domain/data/verifyrules.ts';
import type { Doc } from '../../../domain/doc.ts';
import { isA } from '../../../domain/doc.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Change } from '../../../store.ts';
import { merge } from '../../../util/concurrency.ts';
import { shown } from '../../../util/text/names.ts';
import { addTo } from '../../../util/values/group.ts';
import { nth } from '../../../util/values/have.ts';
import { withDryRun } from '../../dry.ts';
import { requireCredentials } from '../../farms/credentials.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import { checkBatch, type Finding } from './compare.ts';
import { darkFiles } from './darkfiles.ts';
import { repairBad } from './repair.ts';
import { dueBatches } from './verifydue.ts';
import { openVerify, type VerifyOptions, type VerifySession } from './verifysession.ts';
import { isCatalogueWrong } from './witness.ts';

export type { VerifyOptions } from './verifysession.ts';

/**
 * Checks what is due. Items: `{kind: 'replica'|'output', did: 'bad'|'catalogue'|'unreadable'|'repaired'|...}`,
 * `{kind: 'file', did: 'dark'|'unpublished'|'partial'}`, and one `{kind: 'storage', did: 'checked'|'site-fault', checked,
 * bad, bytes}` for each element. Without runs, levels and limit, storage is also searched for files nobody catalogued.
 * @throws UsageError, StoreError, CredentialsError
 */
export function verify(ports: Ports, options: VerifyOptions = {}): Step {
  return withDryRun(ports, options, (on) => verifyAll(on, options));
}

async function* verifyAll(ports: Ports, options: VerifyOptions): Step {
  yield* requireCredentials(ports);
  const session = await openVerify(ports, options);
  const shownAs = options.repair ? beforeRepair : (item: Item): Item => item;
  const dry = (items: readonly Item[]): Item[] =>
    options.dryRun ? items.map((item) => ({ ...shownAs(item), dryRun: true })) : items.map(shownAs);
  for await (const item of merge(session.storages.map((name) => verifyStorage(session, name)))) yield* dry([item]);
  yield* session.sites.notices(options.dryRun === true);
  if (options.repair) yield* repairBad(session);
  yield* session.sites.notices(options.dryRun === true);
}

/** What a repair is about to mend, and files that are none of its business, are not failures of it. */
function beforeRepair(item: Item): Item {
  if (item.did !== 'bad' && item.did !== 'dark') return item;
  const { failed: _, ...rest } = item;
  return rest;
}

async function* verifyStorage(session: VerifySession, storage: string): Step {
  const { options } = session;
  let tally = { checked: 0, bad: 0 };
  let unreadable = 0;
  let bytes = 0;
  for await (const batch of dueBatches(session, storage)) {
    session.left -= batch.length;
    const findings = await checkBatch(session, storage, batch);
    if (!findings) return;
    const wrong = findings.filter(({ is }) => is === 'missing' || is === 'differs');
    const now = { checked: batch.length, bad: wrong.length };
    if (isSiteFault(now, tally, session.ports.settings.verify.fault)) {
      session.faulty.add(storage);
      yield siteFault(storage, { checked: tally.checked + now.checked, bad: tally.bad + now.bad }, nth(wrong, 0));
      return;
    }
    yield* conclude(session, findings);
    tally = { checked: tally.checked + now.checked, bad: tally.bad + now.bad };
    unreadable += findings.filter(({ is }) => is === 'unknown').length;
    bytes += batch.reduce((sum, { size }) => sum + size, 0);
  }
  if (!options.runs && !options.levels && options.limit === undefined) yield* darkFiles(session, storage);
  if (tally.checked === 0) return;
  const unknown = unreadable === 0 ? {} : { unreadable };
  const more = unreadable === 0 ? '' : `, ${unreadable} unknown`;
  const text = `${tally.checked} copies ${options.read ? 'read' : 'asked for their checksum'}, ${tally.bad} bad${more}`;
  yield { kind: 'storage', ref: storage, did: 'checked', ...tally, ...unknown, bytes, text };
}

function siteFault(storage: string, tally: { checked: number; bad: number }, example: Finding): Item {
  const why = 'why' in example ? example.why : '';
  const text = shown(
    `${tally.bad} of ${tally.checked} copies are bad at once, so storage element ${storage} is at fault and nothing was marked (${why})`,
  );
  return {
    kind: 'storage',
    ref: storage,
    did: 'site-fault',
    ...tally,
    failed: true,
    text,
    next: `dflow why ${storage}`,
  };
}

/** Records what the findings mean, one write for each document, and says what is not good. */
async function* conclude(session: VerifySession, findings: readonly Finding[]): Step {
  const items: Item[] = [];
  const checks = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (finding.is === 'unknown') items.push(itemOf(finding, 'unreadable', 'dflow why'));
    else if (finding.is === 'differs' && (await isCatalogueWrong(session, finding))) items.push(catalogueItem(finding));
    else {
      addTo(checks, finding.subject.id, finding);
      if (finding.is !== 'good') items.push(itemOf(finding, 'bad', nextOf(finding)));
    }
  }
  if (!session.options.dryRun) await record(session, checks);
  yield* items;
}

async function record({ ports }: VerifySession, checks: ReadonlyMap<string, readonly Finding[]>): Promise<void> {
  const now = await ports.store.now();
  const { by } = ports;
  await ports.store.bulk<Doc>(
    [...checks].map(
      ([id, found]): Change<Doc> => ({
        id,
        change: (doc) => {
          let next: Doc | undefined;
          if (isA<DataDoc>(doc, 'data')) next = applyRawChecks(doc, found.map(rawCheck), { now, by });
          if (isA<JobDoc>(doc, 'job')) next = applyOutputChecks(doc, found.map(outputCheck), now);
          return next ? { write: next } : { skip: 'changed since it was checked' };
        },
      }),
    ),
  );
}

const whyOf = (finding: Finding): { why?: string } => ('why' in finding ? { why: finding.why } : {});

function rawCheck(finding: Finding): RawCheck {
  const { name, storage, raw } = finding.subject;
  return { file: name, storage, attempt: raw?.attempt ?? 0, ...whyOf(finding) };
}

function outputCheck(finding: Finding): OutputCheck {
  const { storage, path, output } = finding.subject;
  return { subjob: output?.subjob ?? -1, storage, path, ...whyOf(finding) };
}

function nextOf({ subject }: Finding): string {
  return subject.output?.again ?? `dflow verify --repair --storage ${subject.storage} --run ${subject.run}`;
}

function itemOf(finding: Finding, did: 'bad' | 'unreadable', next: string): Item {
  const { subject } = finding;
  const { ref, run, storage, name: file } = subject;
  // An output that was known to be bad is still shown, but it is not news.
  const known = subject.output?.knownBad !== undefined && did === 'bad';
  const text = shown('why' in finding ? finding.why : '');
  const kind = subject.raw ? 'replica' : 'output';
  const item: Item = { kind, ref, run, storage, file, did, text };
  return { ...item, ...(known ? {} : { failed: true }), next: next === 'dflow why' ? ofUnreadable(finding) : next };
}

/** A folder where the copy should be is moved away by a person: nothing of ours puts one there. */
function ofUnreadable({ subject: { storage, path }, ...finding }: Finding): string {
  const words = 'why' in finding ? finding.why : '';
  if (!/is (no|not a) regular file/.test(words)) return `dflow why ${storage}`;
  return `look at ${shown(path)} at ${storage}, move it away, then: dflow verify --repair --storage ${storage}`;
}

function catalogueItem(finding: Extract<Finding, { is: 'differs' }>): Item {
  const { subject, found } = finding;
  const text = `every copy of ${subject.name} has ${found.size} bytes, adler32 ${found.adler32}; the catalogue says ${subject.size} bytes, ${subject.adler32}: the catalogue is wrong, nothing was marked`;
  const { ref, run, storage, name: file } = subject;
  const item: Item = { kind: 'replica', ref, run, storage, file, did: 'catalogue', text: shown(text) };
  return { ...item, failed: true, next: `dflow show ${subject.id}` };
}
