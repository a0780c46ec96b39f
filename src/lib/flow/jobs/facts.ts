// Facts for readiness, read in bulk and fresh: what the decisions of enqueue, submit and why rest on.

import type { DataDoc } from '../../domain/data/data.ts';
import { asA } from '../../domain/doc.ts';
import { routeOf } from '../../domain/farms/routing.ts';
import { tablesMade } from '../../domain/firstpass/firstpass.ts';
import type { HoldDoc } from '../../domain/hold.ts';
import { dataId, dataPrefix, RUN, requestId, runId } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/jobs/job.ts';
import type { JobFacts, RunFacts } from '../../domain/jobs/readiness.ts';
import type { RequestDoc } from '../../domain/jobs/request.ts';
import { type BadModules, badOf } from '../../domain/modules/badmodules.ts';
import type { RunDoc } from '../../domain/runs/run.ts';
import { typesOf } from '../../domain/runs/runtypes.ts';
import type { FarmSettings, Settings } from '../../domain/settings.ts';
import { allRequired, requiredTables, type ShortRun, type TablesAway } from '../../domain/tables/tablegates.ts';
import type { Revisions } from '../../runtables.ts';
import { given } from '../../util/values/given.ts';
import type { ReadPorts } from '../ports.ts';
import { archivedOf } from './archived/archived.ts';
import { docsByRun } from './archived/byrun.ts';
import { firstPassDocs, statesOfRun } from './firstpass/firstpassdocs.ts';
import { activeHolds } from './openholds.ts';
import { isAway, revisionsNow, shortRuns } from './tables/source.ts';
import { openPasses } from './wake.ts';

/** Names of the run types of a mask; none when it is not known. */
export function runTypes(ports: ReadPorts, mask: number | undefined): readonly string[] {
  return mask === undefined ? [] : typesOf(mask, ports.settings.runs.types);
}

/** True when one of the types is a calibration type. */
function isCalibration(ports: ReadPorts, mask: number | undefined): boolean {
  return runTypes(ports, mask).some((type) => ports.settings.runs.calibration.includes(type));
}

function badFact(settings: Settings, version: string | undefined): { bad?: BadModules } {
  const bad = badOf(settings, version);
  return bad ? { bad } : {};
}

/** Facts of many runs at one level and version, by run; tables as a tag has frozen them, if one is named. */
export async function runFacts(
  ports: ReadPorts,
  runs: readonly number[],
  level: string,
  version: string | undefined,
  tag?: string,
): Promise<Map<number, RunFacts>> {
  const { store, settings } = ports;
  const [docs, data] = await Promise.all([
    docsByRun<RunDoc>(store, RUN, runs),
    docsByRun<DataDoc>(store, dataPrefix(level), runs),
  ]);
  const archived = await archivedOf(
    store,
    runs.filter((run) => !docs.has(runId(run))),
  );
  const names = [...new Set([...allRequired(settings.tables), ...tablesMade(settings.tables)])];
  const [tables, passes, now] = await Promise.all([
    revisionsNow(ports, names, runs, tag),
    firstPassDocs(ports, runs),
    store.now(),
  ]);
  const short = isAway(tables) ? tables : await shortRuns(ports, runs);
  return new Map(
    runs.map((run) => {
      const doc = asA<RunDoc>(docs.get(runId(run)), 'run');
      const types = runTypes(ports, doc?.mask);
      const facts: RunFacts = {
        run,
        level,
        doc,
        ...tableFacts(settings, types, run, tables, short),
        types,
        firstPass: isAway(tables)
          ? []
          : statesOfRun(ports, { doc, run, types, docs: passes.get(run), tables: tables.get(run) }, now),
        modules: version === undefined ? undefined : settings.modules[version],
        ...badFact(settings, version),
        data: asA<DataDoc>(data.get(dataId(level, run)), 'data'),
        ...given({ archived: archived.get(run) }),
      };
      return [run, facts];
    }),
  );
}

/** The required tables of one run, and whether the run is too short; or why the database does not answer. */
function tableFacts(
  settings: Settings,
  types: readonly string[],
  run: number,
  tables: Revisions | TablesAway,
  short: ReadonlyMap<number, ShortRun> | TablesAway,
): Pick<RunFacts, 'tables' | 'tablesAway' | 'short'> {
  if (isAway(tables)) return { tables: {}, tablesAway: tables };
  if (isAway(short)) return { tables: {}, tablesAway: short };
  const found = tables.get(run) ?? {};
  const names = requiredTables(settings.tables, types);
  return { tables: Object.fromEntries(names.map((name) => [name, found[name]])), ...given({ short: short.get(run) }) };
}

/** What many jobs' readiness needs, read in three bulk reads; answers the facts of each of them at a farm. */
export async function jobFacts(
  ports: ReadPorts,
  jobs: readonly JobDoc[],
): Promise<(job: JobDoc, farm: FarmSettings) => JobFacts> {
  const { store, settings } = ports;
  const now = await store.now();
  const holds: HoldDoc[] = await activeHolds(store, now);
  const requests = [...new Set(jobs.flatMap((job) => (job.request === undefined ? [] : [requestId(job.request)])))];
  const ids = new Set(
    jobs.flatMap((job) => [dataId(job.level, job.run), ...job.needs.map((need) => need.job)]).concat(requests),
  );
  const docs = await store.get([...ids]);
  const after = await openRequests(
    ports,
    requests.map((id) => asA<RequestDoc>(docs.get(id), 'request')),
  );
  return (job, farm) => {
    const request =
      job.request === undefined ? undefined : asA<RequestDoc>(docs.get(requestId(job.request)), 'request');
    const open = request?.after === undefined ? undefined : after.get(request.after);
    const route = routeOf(settings.routing, job);
    const prerequisites = job.needs.flatMap((need) => {
      const doc = asA<JobDoc>(docs.get(need.job), 'job');
      return doc ? [[need.job, doc] as const] : [];
    });
    return {
      job,
      now,
      farm,
      holds,
      hash: settings.hash,
      ...given({ catalogue: settings.catalogue?.gate ? settings.catalogue : undefined }),
      ...(route ? { route } : {}),
      calibration: isCalibration(ports, job.mask),
      modules: settings.modules[job.version],
      ...badFact(settings, job.version),
      data: asA<DataDoc>(docs.get(dataId(job.level, job.run)), 'data'),
      prerequisites: new Map(prerequisites),
      ...(request?.after === undefined ? {} : { after: { name: request.after, open: open ?? 0 } }),
    };
  };
}

/** Open passes of each request that one of `requests` must come after. */
async function openRequests(
  ports: ReadPorts,
  requests: readonly (RequestDoc | undefined)[],
): Promise<Map<string, number>> {
  const names = new Set(requests.flatMap((request) => (request?.after === undefined ? [] : [request.after])));
  return new Map(await Promise.all([...names].map(async (name) => [name, await openPasses(ports, name)] as const)));
}
