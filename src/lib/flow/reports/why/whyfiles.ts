// The raw files of a run as gates: originals that are not what was registered, copies that fail or are bad, and transfers
// that a person has cancelled. What is well is not said.
import { isLive } from '../../../domain/data/copyclaim.ts';
import type { DataDoc, RawFile } from '../../../domain/data/data.ts';
import { covers, endText } from '../../../domain/hold.ts';
import { dataId } from '../../../domain/ids.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';
import { shown } from '../../../util/text/names.ts';
import type { Iso } from '../../../util/time.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';

/** Files that are named for each kind of trouble. */
const NAMED = 3;

/** Gates that are not met, of all levels of a run. */
export async function fileGates(ports: ReadPorts, run: number): Promise<Gate[]> {
  const ids = ports.settings.buffers.map(({ level }) => dataId(level, run));
  const files = [...(await ports.store.get<DataDoc>(ids)).values()].flatMap((doc) => doc.files);
  const gates = [
    ...gate('lost', lost(files), 'no command brings it back; put the file on the buffer again, then: dflow register'),
    ...gate('original', changed(files), `dflow register, or: dflow register --accept ${run} --why TEXT`),
    ...gate('copies', copies(files, 'bad'), `dflow verify --repair --run ${run}`),
    ...gate('copies', copies(files, 'failed'), `dflow transfer --run ${run}`),
  ];
  const now = await ports.store.now();
  const claims = [
    ...gate('copies', ended(files, now), `dflow transfer --run ${run}`),
    ...gate('purge', purging(files), `dflow purge --run ${run}`),
  ];
  return [...gates, ...claims, ...(await cancelGates(ports, run))];
}

function gate(name: string, texts: readonly string[], next: string): Gate[] {
  if (texts.length === 0) return [];
  const more = texts.length > NAMED ? `; and ${texts.length - NAMED} more` : '';
  return [{ gate: name, ok: false, text: shown(texts.slice(0, NAMED).join('; ')) + more, next }];
}

function changed(files: readonly RawFile[]): string[] {
  return files.flatMap(({ name, original }) => (original.state === 'changed' ? `${name}: ${original.why}` : []));
}

/** Neither the original nor a copy is good. */
function lost(files: readonly RawFile[]): string[] {
  return files.flatMap(({ name, original, replicas }) => {
    const good = original.state === 'present' || original.state === 'purging';
    const copy = Object.values(replicas).some(({ state }) => state === 'verified');
    return good || copy ? [] : `${name} has no known good copy`;
  });
}

/** Claims of transfers that are no longer renewed. */
function ended(files: readonly RawFile[], now: Iso): string[] {
  return files.flatMap(({ name, replicas }) =>
    Object.entries(replicas).flatMap(([site, replica]) =>
      replica.state === 'copying' && !isLive(replica, now, new Set())
        ? `${name} to ${site}: claimed by ${replica.host} until ${replica.expires}, ${replica.expires < now ? 'which has passed' : 'by a clock that was ahead'}`
        : [],
    ),
  );
}

function purging(files: readonly RawFile[]): string[] {
  return files.flatMap(({ name, original }) =>
    original.state === 'purging' ? `${name} claimed by a purge on ${original.host} at ${original.since}` : [],
  );
}

function copies(files: readonly RawFile[], state: 'bad' | 'failed'): string[] {
  return files.flatMap(({ name, replicas }) =>
    Object.entries(replicas).flatMap(([site, replica]) =>
      replica.state === state && 'why' in replica
        ? `${name} ${state === 'bad' ? 'at' : 'to'} ${site}: ${replica.why}`
        : [],
    ),
  );
}

async function cancelGates(ports: ReadPorts, run: number): Promise<Gate[]> {
  const holds = await activeHolds(ports.store, await ports.store.now());
  return holds
    .filter(({ what, scope }) => what === 'transfer' && covers(scope.runs ? { runs: scope.runs } : {}, { run }))
    .map((hold) => ({
      gate: 'transfer',
      ok: false,
      text: `its transfers are canceled: ${hold.why}${endText(hold)} (${hold.by})`,
      since: hold.since,
      next: `dflow resume ${hold._id}`,
    }));
}
