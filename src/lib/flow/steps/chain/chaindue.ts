// What becomes due by the passing of time alone: a file that must settle, a run that must be quiet, a retry that cools
// off. `chain --until-idle` waits for it, and says for what; nothing else needs to know the future.
import { quietOf } from '../../../domain/data/settled.ts';
import { refOf } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { Entry } from '../../../storage.ts';
import { UnreachableError } from '../../../util/errors.ts';
import { type Iso, ms, plus } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { listingRules, sortOut } from '../../copies/buffer/listing.ts';
import { markOf, readLooks } from '../../copies/buffer/looks.ts';
import { listBuffer } from '../../copies/buffer/own.ts';
import type { Ports } from '../../ports.ts';

export interface Due {
  readonly at: Iso;
  readonly why: string;
}

/**
 * The earliest thing that time alone makes due; `undefined` when there is none. What became due since the last round
 * `began` counts: the round may have looked before.
 */
export async function nextDue(ports: Ports, began: Iso): Promise<Due | undefined> {
  const now = await ports.store.now();
  const found = [...(await settling(ports, now)), ...(await quieting(ports)), ...(await cooling(ports))];
  return found.filter((due) => due.at > began).sort((a, b) => (a.at < b.at ? -1 : 1))[0];
}

async function settling(ports: Ports, now: Iso): Promise<Due[]> {
  const due: Due[] = [];
  for (const buffer of ports.settings.buffers.filter((candidate) => candidate.closed === 'settled')) {
    const entries = await listed(ports, buffer.level);
    const looks = await readLooks(ports, buffer.level, now);
    const rules = listingRules(ports.settings, buffer, now, (entry) => looks.get(markOf(entry)));
    // Register remembers looks at what it does not know yet; what it knows has no second look before it.
    const open = sortOut(entries, rules).files.filter((file) =>
      file.due === undefined ? !file.closed && file.odd === undefined : looks.has(markOf(file)),
    );
    const why = open.length === 1 ? `${open[0]?.name} to settle` : `${open.length} files to settle`;
    // One more second: modification times are rounded differently by different file systems.
    due.push(...open.map((file) => ({ at: file.due ?? plus(file.modified, buffer.settle + 1000), why })));
  }
  return due;
}

/** What lies on a buffer; nothing where it cannot be reached: register has said so. */
async function listed(ports: Ports, level: string): Promise<Entry[]> {
  try {
    return await listBuffer(ports, await ports.buffer(level), () => undefined);
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    return [];
  }
}

async function quieting(ports: Ports): Promise<Due[]> {
  const rows = await ports.store.view(views.runs, { prefix: ['open'], limit: 1000 });
  const docs = await ports.store.get<RunDoc>(rows.map((row) => row.id));
  const { quiet } = ports.settings.runs;
  return [...docs.values()].flatMap((doc) =>
    Object.values(doc.levels)
      .filter((level) => !level.complete && !level.blocked)
      .map((level) => ({
        at: plus(level.lastFile, quietOf(level, quiet) + 1000),
        why: `run ${refOf(doc.run)} to be quiet`,
      })),
  );
}

/** Only the first: retries are many and far apart. */
async function cooling(ports: Ports): Promise<Due[]> {
  const [row] = await ports.store.view(views.wake, { prefix: ['at'], limit: 1 });
  return row === undefined ? [] : [{ at: row.key[1], why: 'a retry to cool off' }];
}

/** How far ahead `--until-idle` waits: as long as a file settles or a run is quiet, and a minute for retries. */
export function horizon(ports: Ports, now: Iso): Iso {
  const settle = ports.settings.buffers.map((buffer) => buffer.settle);
  return plus(now, Math.max(60_000, ports.settings.runs.quiet, ...settle) + 2_000);
}

/** Milliseconds until `due`. */
export function waitFor(due: Due, now: Iso): number {
  return Math.max(0, ms(due.at) - ms(now));
}
