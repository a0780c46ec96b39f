// What looking run tables up must do, whatever keeps them: dflow's own store, or a database.
import { expect, test } from 'vitest';
import type { ReadRunTables } from '../../src/lib/runtables.ts';

export interface TablesWorld {
  readonly tables: ReadRunTables;
  /** Loads a RATDB text; afterwards its tables can be looked up. */
  load(text: string, tag?: string): Promise<void>;
}

export function runTablesContract(make: () => Promise<TablesWorld>): void {
  const values = async (tables: ReadRunTables, name: string, index: string, runs: readonly number[], tag?: string) => {
    const found = await tables.lookup(name, index, runs, tag);
    return runs.map((run) => found.get(run)?.fields.v);
  };

  test('the range that holds the run, and of several the highest pass', async () => {
    const { tables, load } = await make();
    await load(`{name: "G", run_range: [10, 20], v: "range"} {name: "G", run_range: [15, 15], pass: 2, v: "two"}
      {name: "G", run_range: [16, 16], pass: 1, v: "one"} {name: "G", run_list: [31, 32, 40], v: "list"}`);
    expect(await values(tables, 'G', '', [9, 10, 15, 16, 20, 21, 31, 40])).toEqual([
      undefined,
      'range',
      'two',
      'one',
      'range',
      undefined,
      'list',
      'list',
    ]);
  });

  test('names and indexes are told apart, whatever is in them', async () => {
    const { tables, load } = await make();
    await load(`{name: "G'x", index: "pmt:1", run_range: [1, 9], v: 1} {name: "G'x", run_range: [1, 9], v: 2}`);
    expect(await values(tables, "G'x", 'pmt:1', [5])).toEqual([1]);
    expect(await values(tables, "G'x", '', [5])).toEqual([2]);
    expect(await values(tables, "G'x", 'pmt', [5])).toEqual([undefined]);
  });

  test('revisions of several tables and many runs at once: none where none holds', async () => {
    const { tables, load } = await make();
    await load(`{name: "RUN", run_range: [1000, 2999], runtype: 4} {name: "DQ", run_range: [2000, 2000]}`);
    const runs = Array.from({ length: 5000 }, (_, at) => at + 1);
    const found = await tables.revisions(['RUN', 'DQ'], runs);
    expect([...found.keys()]).toEqual(runs);
    expect(runs.filter((run) => found.get(run)?.RUN !== undefined)).toHaveLength(2000);
    expect(runs.filter((run) => found.get(run)?.DQ !== undefined)).toEqual([2000]);
    expect((await tables.revisions(['RUN'], [])).size).toBe(0);
  });

  test('another content is another revision, the same content the same', async () => {
    const { tables, load } = await make();
    const now = async (): Promise<string | undefined> => (await tables.revisions(['RUN'], [7])).get(7)?.RUN;
    await load('{name: "RUN", run_range: [7, 7], runtype: 4}');
    const first = await now();
    await load('{run_range: [7, 7], name: "RUN", runtype: 4}');
    expect(await now()).toBe(first);
    await load('{name: "RUN", run_range: [7, 7], runtype: 5}');
    expect(await now()).not.toBe(first);
    expect((await tables.lookup('RUN', '', [7])).get(7)?.fields.runtype).toBe(5);
  });

  test('64-bit numbers come back with every digit', async () => {
    const { tables, load } = await make();
    await load('{name: "G", run_range: [1, 2], v: [1234567890123456789, {t: -9007199254740993}]}');
    expect(await values(tables, 'G', '', [1])).toEqual([[1234567890123456789n, { t: -9007199254740993n }]]);
  });

  test('a tag has the tables that were given it, and no later ones', async () => {
    const { tables, load } = await make();
    await load('{name: "G", run_range: [1, 9], v: "old"}', 'summer');
    await load('{name: "G", run_range: [1, 9], v: "new"}');
    expect(await values(tables, 'G', '', [5], 'summer')).toEqual(['old']);
    expect(await values(tables, 'G', '', [5])).toEqual(['new']);
  });
}
