// What keeps each part of the buffer from being freed. Reads the documents of what is there; copies/buffer/levels.ts is cheap.

import type { DataDoc } from '../../../domain/data/data.ts';
import type { KeepGate, PurgeRules } from '../../../domain/data/purgerules.ts';
import { dataId } from '../../../domain/ids.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { daysText } from '../../../domain/storage/inflow.ts';
import { idsWith } from '../../../store.ts';
import { humanBytes } from '../../../util/text/bytes.ts';
import { given } from '../../../util/values/given.ts';
import { type BufferRow, bufferRows } from '../../copies/buffer/levels.ts';
import { originals } from '../../copies/buffer/originals.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { ReadPorts } from '../../ports.ts';
import { gateVerdict } from '../why/verdict.ts';
import type { WhyReport } from '../why/whyreport.ts';

/** Bytes and files that one gate keeps, or that may go. */
export interface BufferPart {
  readonly gate: KeepGate | 'free' | 'quarantine';
  readonly why: string;
  readonly next: string;
  readonly files: number;
  readonly bytes: number;
  /** The first run of it; absent where the file says none. */
  readonly run?: number;
}

/** What keeps each part of the buffer, the largest first. Reads every document that has something there. */
export async function bufferParts(ports: ReadPorts): Promise<BufferPart[]> {
  const { settings, store } = ports;
  const now = await store.now();
  const rules: PurgeRules = {
    now,
    purgeAfter: settings.copies.purgeAfter,
    storages: settings.storages.map(({ name }) => name),
    sampledAfter: settings.purge.sampledAfter,
    holds: await activeHolds(store, now),
    aside: new Set(),
    late: false,
  };
  const levels = settings.buffers.map(({ level }) => level);
  const parts = new Map<string, BufferPart>();
  for await (const { doc, file, verdict } of originals(ports, rules, levels)) {
    const part =
      'free' in verdict
        ? { gate: 'free' as const, why: 'may go now', next: 'dflow purge' }
        : { gate: verdict.keep, why: summary(verdict.keep, verdict.why), next: verdict.next };
    const key = `${part.gate} ${part.why}`;
    const known = parts.get(key) ?? { ...part, files: 0, bytes: 0, run: doc.run };
    parts.set(key, { ...known, files: known.files + 1, bytes: known.bytes + file.size });
  }
  for (const doc of await quarantined(ports)) {
    const part = { gate: 'quarantine' as const, why: `in quarantine: ${doc.reason}`, next: remedy(doc) };
    const known = parts.get(part.why) ?? { ...part, files: 0, bytes: 0, ...given({ run: doc.run }) };
    parts.set(part.why, { ...known, files: known.files + 1, bytes: known.bytes + (doc.size ?? 0) });
  }
  return [...parts.values()].sort((a, b) => b.bytes - a.bytes);
}

/** Files in quarantine; those that lie where an original does, which has been counted, are left out. */
async function quarantined({ store, settings }: ReadPorts): Promise<QuarantineDoc[]> {
  const docs = await store.range<QuarantineDoc>(idsWith('quarantine:'));
  const here = docs.filter(({ level }) => settings.buffers.some((buffer) => buffer.level === level));
  const data = await store.get<DataDoc>(here.map(({ level, run }) => dataId(level, run ?? -1)));
  return here.filter(({ name, level, run }) => {
    const file = data.get(dataId(level, run ?? -1))?.files.find(({ path }) => path === name);
    return file === undefined || file.original.state === 'purged';
  });
}

/** Details of one file must not split a part into as many parts as it has files. */
function summary(gate: KeepGate, why: string): string {
  return gate === 'changed' ? 'not what was registered' : why;
}

/** `dflow why buffer`: fill and inflow, then what keeps each part. */
export async function whyBuffer(ports: ReadPorts): Promise<WhyReport> {
  const rows = await bufferRows(ports);
  const parts = await bufferParts(ports);
  const gates = [...rows.map((row) => fillGate(row, ports)), ...parts.map(partGate)];
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const free = parts.filter(({ gate }) => gate === 'free').reduce((sum, { bytes }) => sum + bytes, 0);
  const about = `${humanBytes(total)} of raw files, ${humanBytes(free)} may go now`;
  const needy = gates.filter(({ ok }) => !ok);
  const next = [...new Set(parts.filter(({ gate }) => gate !== 'open').map((part) => part.next))];
  const state = needy.length === 0 ? 'ok' : 'held';
  return { ref: 'buffer', about, state, verdict: gateVerdict(gates, 'has room'), gates, next: next.slice(0, 6) };
}

function fillGate({ level, bytes, perDay, disk, daysLeft: left }: BufferRow, ports: ReadPorts): Gate {
  const rate = `${humanBytes(perDay)} came in over the last day`;
  if (!disk) return { gate: level, ok: true, text: `${humanBytes(bytes)} of raw files; ${rate}` };
  const full = Math.round(100 * (1 - disk.free / disk.total));
  const days = left === undefined ? '' : `, ${daysText(left)} left`;
  const short = isShort({ disk, ...given({ daysLeft: left }) }, ports.settings.purge.untilFree);
  const text = `${full} % full${days}; ${humanBytes(bytes)} of raw files; ${rate}; ${disk.host}`;
  return { gate: level, ok: !short, text, since: disk.at, next: 'dflow purge --dry-run' };
}

/** True when a person should look: nearly full, less free than is asked for, or full within days. */
export function isShort(row: Pick<BufferRow, 'disk' | 'daysLeft'>, untilFree = 0.1): boolean {
  if (!row.disk) return false;
  return row.disk.free < Math.min(untilFree, 0.2) * row.disk.total || (row.daysLeft ?? Number.POSITIVE_INFINITY) < 3;
}

function partGate({ gate, why, next, files, bytes, run }: BufferPart): Gate {
  const from = run === undefined ? '' : ` from run ${run}`;
  const text = `${humanBytes(bytes)} in ${files} ${files === 1 ? 'file' : 'files'}${from}: ${why}`;
  return { gate, ok: gate === 'free' || gate === 'open' || gate === 'purging', text, next };
}
