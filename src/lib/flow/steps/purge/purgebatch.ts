// One batch of originals: claim, check their copies, receipt, confirm, delete, record. Whatever
// changes in between puts the original back; whoever is killed leaves claims that the next call settles.

import type { DataDoc, Original, RawFile } from '../../../domain/data/data.ts';
import { isStillFree, judge } from '../../../domain/data/purgerules.ts';
import { appendHistory } from '../../../domain/doc.ts';
import { refOf } from '../../../domain/ids.ts';
import { tookEffect } from '../../../store.ts';
import { mapLimit } from '../../../util/concurrency.ts';
import { shown } from '../../../util/text/names.ts';
import type { Iso } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import { nth } from '../../../util/values/have.ts';
import { type Judged, runFacts } from '../../copies/buffer/originals.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { About, Item, Step } from '../../ports.ts';
import { type Candidate, deleteAll, look, type Outcome, type Ready, readyOf } from './deletion.ts';
import { type Checked, checkCopies } from './proof.ts';
import type { PurgeSession } from './purgesession.ts';

/** What an original is called where its progress is told. */
export const originalKey = ({ doc, file }: Pick<Candidate, 'doc' | 'file'>): string =>
  JSON.stringify([doc._id, file.name]);

/** Deletes what may go of `candidates`; what it yields has been recorded before. */
export async function* purgeBatch(session: PurgeSession, candidates: readonly Candidate[]): Step {
  if (session.options.dryRun) {
    const { ready, kept } = await check(session, candidates);
    const looked = await look(session, ready);
    for (const outcome of [...kept, ...looked]) yield { ...itemOf(outcome, session), dryRun: true };
    return;
  }
  const claimed = await claim(session, await judgeAgain(session, candidates));
  const outcomes: Outcome[] = [];
  let deleting = new Set<Candidate>();
  try {
    const { ready, kept } = await check(session, claimed);
    outcomes.push(...kept);
    const confirmed = await confirm(session, ready);
    outcomes.push(...confirmed.kept);
    deleting = new Set(confirmed.ready.map(({ candidate }) => candidate));
    outcomes.push(...(await deleteAll(session, confirmed.ready)));
  } finally {
    // An error ended it: what may have been deleted is left to the next call, which looks; the rest is put back.
    const known = new Set(outcomes.map(({ candidate }) => candidate));
    const untouched = claimed.filter((candidate) => !known.has(candidate) && !deleting.has(candidate));
    await record(session, [...outcomes, ...untouched.map(stopped)]);
  }
  for (const outcome of outcomes) yield itemOf(outcome, session);
}

function stopped(candidate: Candidate): Outcome {
  return { candidate, gone: false, why: 'stopped' };
}

/** The same rules on what the store says now: a candidate may have been found long ago. */
async function judgeAgain(session: PurgeSession, candidates: readonly Candidate[]): Promise<Candidate[]> {
  const { ports } = session;
  const now = await ports.store.now();
  const rules = { ...session.rules, now, holds: await activeHolds(ports.store, now) };
  const docs = await ports.store.get<DataDoc>([...new Set(candidates.map(({ doc }) => doc._id))]);
  const facts = await runFacts(ports, [...new Set(candidates.map(({ doc }) => doc.run))]);
  return candidates.flatMap((candidate) => {
    const doc = docs.get(candidate.doc._id);
    const file = doc?.files.find(({ name }) => name === candidate.file.name);
    const verdict = doc && file && judge(doc, file, facts(doc.run), rules);
    return doc && file && verdict && 'free' in verdict ? [candidateOf({ doc, file, verdict })] : [];
  });
}

/** @throws Error when it may not go: a defect of the caller */
export function candidateOf({ doc, file, verdict }: Judged): Candidate {
  if (!('free' in verdict)) throw new Error(`${doc._id} ${file.name} may not go: ${verdict.why}`);
  return { doc, file, rule: verdict.free, copies: verdict.copies };
}

type Change = (candidate: Candidate, file: RawFile) => Original | undefined;

/** Changes the originals of candidates, one write for each document; answers those that were changed. */
async function changeOriginals(
  { ports }: PurgeSession,
  candidates: readonly Candidate[],
  change: Change,
  history?: (files: number) => { to: string; why: string },
): Promise<Set<Candidate>> {
  const at = await ports.store.now();
  const outcomes = await ports.store.bulk<DataDoc, Candidate[]>(
    [...groupBy(candidates, ({ doc }) => doc._id)].map(([id, mine]) => ({
      id,
      change: (doc) => {
        const byName = new Map(doc?.files.map((file) => [file.name, file]));
        const originals = new Map<string, Original>();
        const changed = mine.filter((candidate) => {
          const file = byName.get(candidate.file.name);
          const original = file && change(candidate, file);
          if (original) originals.set(file.name, original);
          return original !== undefined;
        });
        if (!doc || changed.length === 0) return { skip: 'none of its files is ours to change' };
        const files = doc.files.map((file) => ({ ...file, original: originals.get(file.name) ?? file.original }));
        const entry = history?.(changed.length);
        const lines = entry ? appendHistory(doc.history, { at, by: ports.by, ...entry }) : doc.history;
        return { write: { ...doc, files, history: lines }, note: changed };
      },
    })),
  );
  return new Set(outcomes.filter(tookEffect).flatMap(({ note }) => note ?? []));
}

/** present -> purging, if the file is still what was judged: same copies, nobody busy with it. */
async function claim(session: PurgeSession, candidates: readonly Candidate[]): Promise<Candidate[]> {
  const { nonce, ports } = session;
  const since = await ports.store.now();
  const claimed = await changeOriginals(session, candidates, ({ file: judged, copies }, file) => {
    if (file.original.state !== 'present' || file.path !== judged.path || file.adler32 !== judged.adler32) return;
    const original: Original = { state: 'purging', nonce, host: ports.host, lock: ports.settings.folder, since };
    return isStillFree({ ...file, original }, { nonce, copies, now: since }) ? original : undefined;
  });
  return candidates.filter((candidate) => claimed.has(candidate));
}

async function check(session: PurgeSession, candidates: readonly Candidate[]) {
  const ready: Ready[] = [];
  const kept: Outcome[] = [];
  const needed = Math.max(1, session.rules.purgeAfter);
  const results = await mapLimit(candidates, session.ports.settings.transfer.parallel, async (candidate) => {
    const { doc, file, rule, copies } = candidate;
    // Data that the keep rule left out need no copy: the rule was recorded when they were registered.
    const thing = [originalKey(candidate), file.size, file.name] as const;
    return session.told.one(
      thing,
      async (): Promise<Checked> =>
        rule === 'sampled-out' ? { checks: [] } : checkCopies(session, doc, file, copies, needed),
      (checked) => 'checks' in checked,
    );
  });
  for (const [index, result] of results.entries()) {
    const candidate = nth(candidates, index);
    if ('checks' in result) ready.push(readyOf(session, candidate, result.checks));
    else kept.push({ candidate, gone: false, ...result });
  }
  return { ready, kept };
}

/** The receipt first, on disk; then, by compare-and-swap, that nothing has changed since the claim. */
async function confirm(session: PurgeSession, ready: readonly Ready[]) {
  if (ready.length === 0) return { ready, kept: [] };
  const { nonce, receipt, removal, ports } = session;
  await removal.announce(ready.flatMap(({ going, markers }) => [going, ...markers]));
  const now = await ports.store.now();
  const checks = new Map(ready.map((one) => [one.candidate, one.checks]));
  const confirmed = await changeOriginals(session, [...checks.keys()], (candidate, file) => {
    const sound = isStillFree(file, { nonce, copies: checks.get(candidate) ?? [], now });
    return sound && file.original.state === 'purging' ? { ...file.original, receipt: receipt.name } : undefined;
  });
  const kept = ready.filter(({ candidate }) => !confirmed.has(candidate));
  return {
    ready: ready.filter(({ candidate }) => confirmed.has(candidate)),
    kept: kept.map(({ candidate }): Outcome => ({ candidate, gone: false, why: 'changed by others meanwhile' })),
  };
}

/** purging -> purged, or back. A file that has gone is purged whatever others have written about it meanwhile. */
async function record(session: PurgeSession, outcomes: readonly Outcome[]): Promise<void> {
  const { nonce, receipt, ports } = session;
  const since: Iso = await ports.store.now();
  const gone = outcomes.filter((outcome) => outcome.gone).map(({ candidate }) => candidate);
  const purged: Original = { state: 'purged', since, receipt: receipt.name };
  const words = (files: number) => ({
    to: 'purged',
    why: `${files} ${files === 1 ? 'original' : 'originals'}, ${receipt.name}`,
  });
  await changeOriginals(
    session,
    gone,
    (candidate, file) => (file.path === candidate.file.path && file.original.state !== 'purged' ? purged : undefined),
    words,
  );
  const kept = outcomes.flatMap((outcome) => (outcome.gone || outcome.aside !== undefined ? [] : [outcome]));
  const backs = new Map(kept.map(({ candidate, back }) => [candidate, back]));
  await changeOriginals(session, [...backs.keys()], (candidate, file) => {
    if (file.original.state !== 'purging' || file.original.nonce !== nonce) return undefined;
    return backs.get(candidate) ?? { state: 'present' };
  });
}

function itemOf(outcome: Outcome, session: PurgeSession): Item {
  const { doc, file, rule } = outcome.candidate;
  const item: About<'original'> = {
    kind: 'original',
    ref: refOf(doc.run),
    run: doc.run,
    level: doc.level,
    file: file.name,
  };
  if (outcome.gone) {
    const how = rule === 'copies' ? `${Math.max(1, session.rules.purgeAfter)} copies checked` : doc.keep.rule;
    const text = shown(`${file.name}: ${how}`);
    const receipt = session.options.dryRun ? {} : { receipt: session.receipt.name };
    return { ...item, did: 'purged', bytes: file.size, rule, text, ...receipt };
  }
  const text = shown(`${file.name}: ${outcome.why}`);
  return { ...item, did: 'kept', bytes: 0, failed: true, text, next: outcome.next ?? 'dflow why buffer' };
}
