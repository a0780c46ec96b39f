// What is wrong with the section of run tables, before any server is asked.

import { noSuch } from '../../../domain/named.ts';
import type { Settings } from '../../../domain/settings.ts';
import { QUERY_RULES, type QueryName, queryWrong } from '../../../domain/tables/tablequeries.ts';
import { circleOf } from '../../../util/values/circle.ts';
import type { RawConfig } from '../yaml/schema.ts';
import type { Finding } from './finding.ts';

const DATABASE = ['minimum', 'detector', 'writeBack', 'queries'] as const;

const isQuery = (name: string): name is QueryName => Object.hasOwn(QUERY_RULES, name);

export function tableFindings(raw: RawConfig, settings: Settings): Finding[] {
  return [...ofTypes(settings), ...ofJobs(raw, settings), ...ofDatabase(raw, settings)];
}

function ofTypes({ tables: { requiredBy = {} }, runs: { types } }: Settings): Finding[] {
  const known = [...types, 'any'];
  const unknown = Object.keys(requiredBy).filter((type) => !types.includes(type));
  return unknown.map((type) => ({ path: ['tables', 'required', type], message: noSuch('run type', type, known) }));
}

/** Jobs of the first pass: names that nobody defines, circles, and a command beside them. */
function ofJobs({ tables: raw = {} }: RawConfig, settings: Settings): Finding[] {
  const { jobs: all, command } = settings.tables;
  if (!all) return [];
  const path = ['tables', 'jobs'];
  const findings: Finding[] = [];
  const names = all.map(({ name }) => name);
  const modules = new Set(Object.values(settings.modules).flatMap((file) => Object.keys(file.modules)));
  if (command !== undefined)
    findings.push({
      path: ['tables', 'command'],
      message: 'tables.command and tables.jobs exclude each other',
      hint: 'make the command one of tables.jobs',
    });
  for (const { name, needs, when = [] } of all) {
    for (const need of needs.filter((one) => !names.includes(one)))
      findings.push({ path: [...path, name, 'needs'], message: noSuch('job of the first pass', need, names) });
    for (const type of when.filter((one) => !settings.runs.types.includes(one)))
      findings.push({ path: [...path, name, 'when'], message: noSuch('run type', type, settings.runs.types) });
    if (modules.has(name))
      findings.push({
        path: [...path, name],
        message: `'${name}' is a module too: 109134/${name} would name both`,
        hint: 'give the job another name',
      });
  }
  const circle = circleOf(Object.keys(raw.jobs ?? {}), (name) => raw.jobs?.[name]?.needs ?? []);
  if (circle)
    findings.push({
      path: [...path, circle[0] ?? '', 'needs'],
      message: `jobs need each other in a circle: ${circle.join(' -> ')}`,
    });
  return findings;
}

function ofDatabase({ tables: raw = {} }: RawConfig, { tables }: Settings): Finding[] {
  const { source, command, queries, jobs = command } = tables;
  if (source === undefined || !queries) {
    const hint = 'source: postgres://db.example.org/ratdb';
    const alone = DATABASE.filter((name) => raw[name] !== undefined);
    return alone.map((name) => ({
      path: ['tables', name],
      message: `tables.${name} means nothing without tables.source`,
      hint,
    }));
  }
  const findings: Finding[] = [];
  for (const name of ['source', 'detector'] as const) {
    const url = tables[name];
    if (url === undefined || /^postgres(ql)?:\/\/./.test(url)) continue;
    findings.push({
      path: ['tables', name],
      message: `tables.${name} is not the address of a PostgreSQL database`,
      hint: `${name}: postgres://db.example.org/ratdb`,
    });
  }
  for (const name of Object.keys(raw.queries ?? {}).filter(isQuery)) {
    const message = queryWrong(name, queries[name]);
    if (message !== undefined) findings.push({ path: ['tables', 'queries', name], message });
  }
  if (tables.writeBack === false && jobs)
    findings.push({
      path: ['tables', 'writeBack'],
      message: `writeBack: false would throw away the tables that tables.${command === undefined ? 'jobs' : 'command'} makes`,
      hint: `leave tables.${command === undefined ? 'jobs' : 'command'} out, or let dflow write: writeBack: true`,
    });
  return findings;
}
