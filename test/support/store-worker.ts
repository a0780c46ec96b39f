// A process of its own that writes to a SQLite store. `race NAME TIMES`: increments one counter and adds documents;
// `flood`: rewrites 1000 documents, generation after generation, until it is killed.
import type { Decision } from '../../src/lib/store.ts';
import { openWith } from '../../src/lib/stores/sqlite/sqlite.ts';
import { CONTRACT_VIEWS, sumsView, type Thing } from '../contracts/things.ts';

const [path = '', mode = '', name = '', times = '0'] = process.argv.slice(2);
const store = await openWith(`sqlite:${path}`, { write: true }, CONTRACT_VIEWS);

async function race(): Promise<void> {
  for (let i = 0; i < Number(times); i++) {
    const change = (doc: Thing | undefined): Decision<Thing> => ({
      write: { _id: 'counter', kind: 'thing', v: 1, n: (doc?.n ?? 0) + 1 },
    });
    const outcome = await store.update<Thing>('counter', change);
    if (outcome.result !== 'written') throw new Error(JSON.stringify(outcome));
    await store.view(sumsView, { prefix: ['n'] });
    const docs = Array.from(
      { length: 20 },
      (_, j): Thing => ({ _id: `thing:${name}:${i}:${j}`, kind: 'thing', v: 1, key: name }),
    );
    await store.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
  }
}

async function flood(): Promise<void> {
  const ids = Array.from({ length: 1000 }, (_, i) => `thing:${String(i).padStart(4, '0')}`);
  for (let generation = 0; ; generation++) {
    await store.bulk<Thing>(
      ids.map((id) => ({
        id,
        change: () => ({ write: { _id: id, kind: 'thing', v: 1, n: generation, key: generation } }),
      })),
    );
    process.stdout.write(`${generation}\n`);
  }
}

await (mode === 'race' ? race() : flood());
await store.close();
