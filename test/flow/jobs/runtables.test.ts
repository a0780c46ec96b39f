// The contract of run tables, kept in dflow's own store and in the database in memory that other tests use.
import { afterEach, describe } from 'vitest';
import { tablesOf } from '../../../src/lib/flow/jobs/tables/source.ts';
import { loadTables } from '../../../src/lib/flow/steps/load/load.ts';
import { runTablesContract, type TablesWorld } from '../../contracts/runtables.ts';
import { MemoryRatdb } from '../../fakes/ratdb.ts';
import { closeWorlds, collect, world } from '../../support/ports.ts';

afterEach(closeWorlds);

async function make(ratdb?: MemoryRatdb): Promise<TablesWorld> {
  const ports = { ...(await world()), ...(ratdb && { ratdb }) };
  return {
    tables: tablesOf(ports),
    load: async (text, tag) => {
      await collect(loadTables(ports, [{ name: 'x.ratdb', text }], tag === undefined ? {} : { tag }));
    },
  };
}

describe("dflow's own store", () => runTablesContract(() => make()));
describe('a database in memory', () => runTablesContract(() => make(new MemoryRatdb())));
