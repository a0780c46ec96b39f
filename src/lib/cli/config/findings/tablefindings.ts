// What is wrong with the section of run tables, before any server is asked.

import { noSuch } from '../../../domain/named.ts';
import type { Settings } from '../../../domain/settings.ts';
import { QUERY_RULES, type QueryName, queryWrong } from '../../../domain/tables/tablequeries.ts';
import type { RawConfig } from '../yaml/schema.ts';
import type { Finding } from './finding.ts';

const DATABASE = ['minimum', 'detector', 'writeBack', 'queries'] as const;

const isQuery = (name: string): name is QueryName => Object.hasOwn(QUERY_RULES, name);

export function tableFindings(raw: RawConfig, settings: Settings): Finding[] {
  return [...ofTypes(settings), ...ofDatabase(raw, settings)];
}

function ofTypes({ tables: { requiredBy = {} }, runs: { types } }: Settings): Finding[] {
  const known = [...types, 'any'];
  const unknown = Object.keys(requiredBy).filter((type) => !types.includes(type));
  return unknown.map((type) => ({ path: ['tables', 'required', type], message: noSuch('run type', type, known) }));
}

function ofDatabase({ tables: raw = {} }: RawConfig, { tables }: Settings): Finding[] {
  const { source, command, queries } = tables;
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
  if (tables.writeBack === false && command !== undefined)
    findings.push({
      path: ['tables', 'writeBack'],
      message: 'writeBack: false would throw away the tables that tables.command makes',
      hint: 'leave tables.command out, or let dflow write: writeBack: true',
    });
  return findings;
}
