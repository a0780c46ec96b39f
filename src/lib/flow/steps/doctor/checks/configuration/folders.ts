// Folders of this machine that the configuration names.
import type { ChainStep } from '../../../../../domain/farms/hostplan.ts';
import { remount, silence } from '../../../../../util/text/silence.ts';
import { type Check, type Finding, failed, type Look, ok, type Patient } from '../../check.ts';
import { kindOf } from '../../outside.ts';

export const check: Check = {
  name: 'folders',
  group: 'configuration',
  offline: true,
  about: [
    {
      ref: 'folders/buffer LEVEL',
      looks: 'The folder of a buffer, where this host has a loop that needs it.',
      means: 'The folder does not exist, cannot be read, is a file, or its disk does not answer.',
      mends: '`mkdir -p FOLDER` or mount it; `chmod`; correct the path in `dflow.yaml`; `umount -l` and mount again.',
    },
    {
      ref: 'folders/storage NAME',
      looks: 'The folder of a mounted storage element, where this host has a loop that needs it.',
      means: 'The same as for a buffer.',
      mends: 'The same as for a buffer.',
    },
  ],
  looks: (patient) => [
    ...patient.settings.buffers.map(({ level, path }) => folder(patient, `buffer ${level}`, path, BUFFER_STEPS)),
    ...patient.settings.storages
      .filter(({ mounted }) => mounted)
      .map(({ name, url }) => folder(patient, `storage ${name}`, url, STORAGE_STEPS)),
  ],
};

/** Steps that need the folder of a buffer, or of a mounted storage element. */
const BUFFER_STEPS: readonly ChainStep[] = ['register', 'transfer', 'purge'];
const STORAGE_STEPS: readonly ChainStep[] = ['transfer', 'purge', 'submit', 'monitor'];

/** All hosts share one configuration: what no loop of this host needs may lie on another one. */
function isNeeded({ settings: { hosts, loops } }: Patient, steps: readonly ChainStep[]): boolean {
  return hosts.length === 0 || steps.some((step) => loops.includes(step));
}

function folder(patient: Patient, subject: string, path: string, steps: readonly ChainStep[]): Look {
  const look = async (): Promise<Finding> => {
    const kind = await kindOf(patient, path);
    if (kind === 'folder') return ok(path);
    if (kind === 'silent') return failed(silence(path), remount(path));
    if (!isNeeded(patient, steps)) return ok(`${path} is not here, and no loop of this host needs it`);
    if (kind === 'missing') return failed(`${path} does not exist`, `mkdir -p ${path}, or mount it`);
    if (kind === 'unreadable') return failed(`${path} cannot be read`, `chmod u+rx ${path}, as its owner`);
    return failed(`${path} is not a folder`, `correct the path of ${subject} in dflow.yaml`);
  };
  return { subject, look };
}
