// Every batch system: who it is, its queue and limits, and a held job that is submitted and withdrawn.
import type { Backend } from '../../../../../backend.ts';
import type { FarmSettings } from '../../../../../domain/settings.ts';
import { counted } from '../../../../../util/text/counted.ts';
import { SECOND } from '../../../../../util/time.ts';
import { type Check, type Finding, failed, notChecked, ok, type Patient } from '../../check.ts';
import { lacking } from '../../outside.ts';
import { emptySpec, withdraw, withTrials } from '../../trial.ts';

export const check: Check = {
  name: 'farm',
  group: 'farm',
  about: [
    {
      ref: 'farm/NAME',
      looks: 'The batch system: its version, its queue and limits. A held job is submitted and withdrawn.',
      means: 'The batch system does not answer, refuses the job, or does not hold it: such a job could start twice.',
      mends:
        '`dflow farm drain NAME --for 12h --why TEXT` until the site has mended it; a command of the batch system (`scontrol`, `sinfo`, `condor_status`); or correct `farms.NAME` in `dflow.yaml`.',
    },
  ],
  looks: (patient) =>
    patient.settings.farms.map((farm) => ({
      subject: farm.name,
      touches: `submits a held job at ${farm.name} and withdraws it`,
      limit: 45 * SECOND,
      look: () => look(patient, farm),
    })),
};

async function look(patient: Patient, farm: FarmSettings): Promise<Finding> {
  const without = await lacking(patient, `farm ${farm.name}`);
  if (without) return without;
  const found = await withTrials(patient, farm.name, (backend) => held(patient, farm, backend));
  return found ?? notChecked('another doctor of this host is looking at it', 'wait until it has ended');
}

async function held(patient: Patient, farm: FarmSettings, backend: Backend): Promise<Finding> {
  const { cluster, user } = await backend.identity();
  const about = await backend.about?.();
  const drain = `dflow farm drain ${farm.name} --for 12h --why TEXT`;
  const [wrong] = about?.wrong ?? [];
  if (wrong) return failed(wrong.text, wrong.fix);
  const claim = patient.nonce();
  const key = `${claim}.0`;
  let left: string[] = [];
  try {
    const answer = (await backend.submit(claim, [{ key, spec: emptySpec(key) }])).get(key);
    if (typeof answer === 'object')
      return failed(`a held job was refused: ${answer.refused}`, `correct farms.${farm.name}`);
    const state = (await backend.status([key])).get(key)?.state;
    if (state !== 'held') return failed(`a held job is '${state ?? 'unknown'}': jobs could start twice`, drain);
  } finally {
    left = await withdraw(patient, backend, [key]);
  }
  if (left.length > 0) return failed('a held job could not be withdrawn', drain);
  const notes = [about?.version ?? farm.backend, `${user} at ${cluster}`, ...(about?.notes ?? [])];
  return ok(`${notes.join(', ')}, ${counted(farm.slots, 'slot')}; a held job was submitted and withdrawn`);
}
