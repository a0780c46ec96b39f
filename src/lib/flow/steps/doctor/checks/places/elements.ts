// Every storage element: a file is written, compared, read and removed; how full it is.
import type { Storage } from '../../../../../storage.ts';
import { messageOf } from '../../../../../util/errors.ts';
import { humanBytes } from '../../../../../util/text/bytes.ts';
import { remount, silence } from '../../../../../util/text/silence.ts';
import { SECOND } from '../../../../../util/time.ts';
import { type Check, type Finding, failed, notChecked, ok, type Patient, warning } from '../../check.ts';
import { kindOf, lacking } from '../../outside.ts';
import { PROBES, type Probe, withProbe } from '../../probe.ts';

export const check: Check = {
  name: 'storage',
  group: 'storage',
  about: [
    {
      ref: 'storage/NAME',
      looks:
        'A small file is written to the storage element, its checksum asked for, read back and removed. Space, where the server tells it.',
      means:
        'The storage element cannot be written or read, gives back other bytes, or has under 5 % of its space left.',
      mends:
        'Ask the site, and `dflow storage disable NAME --for 12h --why TEXT` until it has mended it; free space; `mkdir -p`, mount, or check owner and mode of its folder; another primary.',
    },
  ],
  looks: (patient) =>
    patient.settings.storages.map(({ name }) => ({
      subject: name,
      touches: `writes a small file below ${PROBES}/ at ${name}, reads it and removes it`,
      look: (signal) => look(patient, name, signal),
    })),
};

/** Shares of an element, in percent, that are little and too little. */
const [LITTLE, NONE] = [5, 1];

async function look(patient: Patient, name: string, signal: AbortSignal): Promise<Finding> {
  const element = patient.settings.storages.find((one) => one.name === name);
  const kind = element?.mounted ? await kindOf(patient, element.url) : undefined;
  if (element && kind === 'missing')
    return notChecked(`its folder ${element.url} does not exist here`, `mkdir -p ${element.url}, or mount it`);
  if (element && kind === 'silent') return failed(silence(element.url), remount(element.url));
  const without = await lacking(patient, `storage ${name}`);
  if (without) return without;
  const started = patient.clock();
  const { wrong, space } = await withProbe(patient, name, async (probe) => {
    return { wrong: await compare(probe, signal), space: await spaceOf(probe.storage) };
  });
  if (wrong) return failed(wrong, `ask the site; until then: dflow storage disable ${name} --for 12h --why TEXT`);
  const took = `${((patient.clock() - started) / SECOND).toFixed(1)} s`;
  return withSpace(`written, compared, read and removed in ${took}`, space, name);
}

/** What is wrong with what the element gives back. */
async function compare({ storage, path, sum }: Probe, signal: AbortSignal): Promise<string | undefined> {
  const told = await storage.checksum(path);
  if (told.adler32 !== sum.adler32 || told.size !== sum.size)
    return `its checksum of what was written is ${told.adler32}, ${sum.adler32} was sent`;
  signal.throwIfAborted();
  const read = await storage.readChecksum(path);
  if (read.adler32 !== sum.adler32) return `what was read has checksum ${read.adler32}, ${sum.adler32} was written`;
  return undefined;
}

type Known = { readonly total: number; readonly free: number } | { readonly unknown: string };

async function spaceOf(storage: Storage): Promise<Known> {
  try {
    return (await storage.space()) ?? { unknown: 'its server does not tell its space' };
  } catch (error) {
    return { unknown: `space: ${messageOf(error)}` };
  }
}

function withSpace(text: string, space: Known, name: string): Finding {
  if ('unknown' in space) return ok(`${text}; ${space.unknown}`);
  const share = Math.floor((100 * space.free) / Math.max(1, space.total));
  const whole = `${text}; ${humanBytes(space.free)} free of ${humanBytes(space.total)} (${share} %)`;
  const fix = `free space at ${name}, or choose another primary: dflow storage primary NAME --why TEXT`;
  if (share < LITTLE) return (share < NONE ? failed : warning)(whole, fix);
  return ok(whole);
}
