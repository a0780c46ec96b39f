// The buffers of this host: how full, and how long they last at the rate of the last day.
import { daysText } from '../../../../../domain/storage/inflow.ts';
import { humanBytes } from '../../../../../util/text/bytes.ts';
import { remount, silence } from '../../../../../util/text/silence.ts';
import { type BufferRow, bufferRows } from '../../../../copies/buffer/levels.ts';
import { type Check, type Finding, failed, notChecked, ok, type Patient, warning } from '../../check.ts';
import { kindOf } from '../../outside.ts';

export const check: Check = {
  name: 'buffer',
  group: 'buffer',
  about: [
    {
      ref: 'buffer/LEVEL',
      looks: 'How full the disk of a buffer is, and how long it lasts at the rate of the last day.',
      means: 'Full to 98 %, or full within a day. From 90 % on, or within three days, it is a warning.',
      mends: '`dflow why buffer LEVEL` says what keeps files there. A dead disk: `umount -l`.',
    },
  ],
  looks: (patient) =>
    patient.settings.buffers.map(({ level }) => ({ subject: level, look: () => look(patient, level) })),
};

async function look(patient: Patient, level: string): Promise<Finding> {
  const path = patient.settings.buffers.find((one) => one.level === level)?.path ?? '';
  const kind = await kindOf(patient, path);
  if (kind === 'missing') return notChecked(`${path} does not exist here`);
  if (kind === 'silent') return failed(silence(path), remount(path));
  const row = (await bufferRows(patient)).find((one) => one.level === level);
  return row?.disk ? judged(row, row.disk) : notChecked('no host has said how full its disk is');
}

function judged(
  { level, perDay, daysLeft }: BufferRow,
  { total, free, host }: NonNullable<BufferRow['disk']>,
): Finding {
  const full = Math.round(100 * (1 - free / total));
  const rate = perDay > 0 ? `, ${humanBytes(perDay)} a day` : ', nothing came in today';
  const left = daysLeft === undefined ? '' : `, ${daysText(daysLeft)} left`;
  const text = `${full} % full on ${host}, ${humanBytes(free)} free${rate}${left}`;
  const fix = `dflow why buffer ${level}`;
  if (full >= 98 || (daysLeft ?? Infinity) < 1) return failed(text, fix);
  return full >= 90 || (daysLeft ?? Infinity) < 3 ? warning(text, fix) : ok(text);
}
