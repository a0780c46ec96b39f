// The originals on the buffer, oldest run first, each with its verdict. Reads, never writes.
import type { DataDoc, RawFile } from '../../../domain/data/data.ts';
import { judge, maySetGo, type PurgeRules, type Verdict } from '../../../domain/data/purgerules.ts';
import { tablesMade } from '../../../domain/firstpass/firstpass.ts';
import { runId } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { typesOf } from '../../../domain/runs/runtypes.ts';
import { allRequired, requiredTables } from '../../../domain/tables/tablegates.ts';
import { together } from '../../../util/concurrency.ts';
import { views } from '../../../views/index.ts';
import { firstPassDocs, statesOfRun } from '../../jobs/firstpass/firstpassdocs.ts';
import { isAway, revisionsNow } from '../../jobs/tables/source.ts';
import type { ReadPorts } from '../../ports.ts';

export interface Judged {
  readonly doc: DataDoc;
  readonly file: RawFile;
  readonly verdict: Verdict;
}

/** Documents read at a time. */
const PAGE = 500;

/** Every original that is on the buffer of `levels`, in order of run, with why it stays or by which rule it may go. */
export async function* originals(
  ports: ReadPorts,
  rules: PurgeRules,
  levels: readonly string[],
): AsyncGenerator<Judged, void, void> {
  const states = ['present', 'changed', 'purging'];
  const prefixes = levels.flatMap((level) => states.map((state): BufferPrefix => ['on', level, state]));
  yield* judged(ports, rules, await hintsOf(ports, prefixes), states);
}

/** Every original that may go by the catalogue, in order of run. What lacks copies is not read, however much it is. */
export async function* freeOriginals(
  ports: ReadPorts,
  rules: PurgeRules,
  levels: readonly string[],
  runs: (run: number) => boolean = () => true,
): AsyncGenerator<Judged, void, void> {
  const groups = levels.map((level) => ports.store.count(views.buffer, 3, { prefix: ['copied', level] }));
  const sets = (await together(...groups)).flatMap(({ key }): BufferPrefix[] =>
    key[0] === 'copied' && maySetGo(key[2], key[1], rules) ? [key] : [],
  );
  const hints = await hintsOf(ports, sets);
  const wanted = hints.filter(({ run }) => runs(run));
  for await (const one of judged(ports, rules, wanted, ['present'])) if ('free' in one.verdict) yield one;
}

type BufferPrefix = ['on' | 'copied', level: string, value: string];

async function* judged(
  ports: ReadPorts,
  rules: PurgeRules,
  wanted: readonly Hint[],
  states: readonly string[],
): AsyncGenerator<Judged, void, void> {
  for (let at = 0; at < wanted.length; at += PAGE) {
    const page = wanted.slice(at, at + PAGE);
    const [docs, facts] = await Promise.all([
      ports.store.get<DataDoc>(page.map(({ id }) => id)),
      runFacts(ports, [...new Set(page.map(({ run }) => run))]),
    ]);
    for (const { id, run } of page) {
      const doc = docs.get(id);
      if (!doc) continue;
      for (const file of doc.files) {
        const verdict = states.includes(file.original.state) ? judge(doc, file, facts(run), rules) : undefined;
        if (verdict) yield { doc, file, verdict };
      }
    }
  }
}

interface Hint {
  readonly id: string;
  readonly run: number;
}

async function hintsOf(ports: ReadPorts, prefixes: readonly BufferPrefix[]): Promise<Hint[]> {
  const hints = new Map<string, Hint>();
  const rows = await together(...prefixes.map((prefix) => ports.store.view(views.buffer, { prefix })));
  for (const { id, key } of rows) if (key[0] !== 'in') hints.set(id, { id, run: key[3] });
  return [...hints.values()].sort((a, b) => a.run - b.run || (a.id < b.id ? -1 : 1));
}

/** What purge must know of the runs: their documents, and the tables that are still to be made on this host. */
export async function runFacts(ports: ReadPorts, runs: readonly number[]) {
  const { tables: configured, runs: rules } = ports.settings;
  const asked = configured.command === undefined ? [] : allRequired(configured);
  const [docs, tables, passes, now] = await Promise.all([
    ports.store.get<RunDoc>(runs.map(runId)),
    revisionsNow(ports, [...asked, ...tablesMade(configured)], runs),
    firstPassDocs(ports, runs),
    ports.store.now(),
  ]);
  return (run: number) => {
    const doc = docs.get(runId(run));
    const types = doc?.mask === undefined ? [] : typesOf(doc.mask, rules.types);
    const needed = requiredTables(configured, types).filter((name) => asked.includes(name));
    // While the database does not answer, every table counts as missing: the file stays.
    const missingTables = needed.filter((name) => isAway(tables) || tables.get(run)?.[name] === undefined);
    if (!configured.jobs) return { doc, missingTables };
    const known = isAway(tables) ? {} : tables.get(run);
    const states = statesOfRun(ports, { doc, run, types, docs: passes.get(run), tables: known }, now);
    const open = states.filter(({ state, job }) => state !== 'completed' && (state !== 'failed' || job.required));
    return { doc, missingTables, firstPass: open.map(({ job }) => job.name) };
  };
}
