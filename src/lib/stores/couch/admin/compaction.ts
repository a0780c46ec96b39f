// Compaction: CouchDB writes a database, and each set of views, into a new file without what was changed and removed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Compacted } from '../../../store.ts';
import { field } from '../../../util/values/field.ts';
import { SAY_EVERY, type Say } from '../../shared/server/patience.ts';
import { SETS } from '../design.ts';
import { listIn } from '../read.ts';
import type { Connection } from '../server/connection.ts';

/** Milliseconds between two looks. */
const LOOK = 500;

/** A part, and where its state and its size are. */
interface Part {
  readonly part: string;
  readonly path: string;
  readonly post: string;
  readonly read: (body: unknown) => { readonly bytes: number; readonly running: boolean };
}

const DOCUMENTS: Part = {
  part: 'documents',
  path: '',
  post: '_compact',
  read: (body) => ({ bytes: sizeOf(body), running: field(body, 'compact_running') === true }),
};

/** @throws ReadOnlyStoreError for who is not an admin of the database */
export async function* compact(
  connection: Connection,
  dryRun: boolean,
  say: Say,
): AsyncGenerator<Compacted, void, void> {
  const { body } = await connection.read({ path: '_all_docs', query: SETS });
  const ids = listIn<{ id: string }>(connection, body, 'rows').map(({ id }) => id);
  // What no set uses any more goes first: it may be what the disk needs.
  if (!dryRun) await connection.read({ method: 'POST', path: '_view_cleanup', body: {} });
  for (const part of [DOCUMENTS, ...ids.map(viewsPart)]) yield await compactPart(connection, part, dryRun, say);
}

function viewsPart(id: string): Part {
  return {
    part: id,
    path: `${id}/_info`,
    post: `_compact/${id.slice('_design/'.length)}`,
    read: (body) => {
      const index = field(body, 'view_index');
      return { bytes: sizeOf(index), running: field(index, 'compact_running') === true };
    },
  };
}

async function compactPart(connection: Connection, part: Part, dryRun: boolean, say: Say): Promise<Compacted> {
  const look = async () => part.read((await connection.read({ path: part.path })).body);
  const { bytes: before } = await look();
  if (dryRun) return { part: part.part, before };
  await connection.read({ method: 'POST', path: part.post, body: {} });
  for (let told = performance.now(); ; ) {
    await sleep(LOOK);
    const now = await look();
    if (!now.running) return { part: part.part, before, after: now.bytes };
    if (performance.now() - told < SAY_EVERY) continue;
    told = performance.now();
    say(`the store compacts ${part.part}${await progress(connection)}`);
  }
}

/** How far it is, as far as this user may see it: `_active_tasks` is for admins of the server. */
async function progress(connection: Connection): Promise<string> {
  const { status, body } = await connection.read({ path: '/_active_tasks', accept: [401, 403, 404] });
  const tasks = status === 200 && Array.isArray(body) ? body : [];
  const task = tasks.find((one) => /compaction/.test(String(field(one, 'type'))));
  const share = field(task, 'progress');
  return typeof share === 'number' ? `: ${share} %` : '';
}

function sizeOf(body: unknown): number {
  return Number(field(field(body, 'sizes'), 'file') ?? 0);
}
