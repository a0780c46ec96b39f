// Metrics of what holds files: storage elements, copies of outputs, buffers.

import type { Space } from '../../../util/files/disk.ts';
import { inTime } from '../../../util/intime.ts';
import { DAY, SECOND } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import type { ReadPorts } from '../../ports.ts';
import type { StatusPage } from '../status/page.ts';
import { type Family, family } from './family.ts';

/** States of a copy, each shown also where it is 0. */
const STATES = ['verified', 'copying', 'failed', 'bad'] as const;

export async function storageFamilies(ports: ReadPorts, { storage, buffer }: StatusPage): Promise<Family[]> {
  const outputs = await ports.store.count(views.outputCopies, 2);
  const spaces = await spacesOf(ports);
  const copies = storage.flatMap(({ name, states }) =>
    STATES.map((state) => ({ name, state, value: states[state] ?? 0 })),
  );
  return [
    family(
      'dflow_storage_files',
      'Raw files at a storage element by state of the copy.',
      copies,
      ({ name, state, value }) => [{ storage: name, state }, value],
    ),
    family(
      'dflow_storage_missing_files',
      'Raw files still to be copied to a storage element.',
      storage,
      ({ name, missing }) => [{ storage: name }, missing],
    ),
    family(
      'dflow_storage_output_files',
      'Outputs at a storage element by state of the copy.',
      outputs,
      ({ key: [name, state], value }) => [{ storage: name, state }, value],
    ),
    family(
      'dflow_storage_up',
      'Whether a storage element works: not switched off, not set aside, no failure at its last use.',
      storage,
      ({ name, state }) => [{ storage: name }, state === 'ok' ? 1 : 0],
    ),
    family('dflow_storage_primary', 'Which storage element is the primary one.', storage, ({ name, primary }) => [
      { storage: name },
      primary ? 1 : 0,
    ]),
    family(
      'dflow_storage_size_bytes',
      'Disk of a storage element that is a folder of this host.',
      spaces,
      ([name, { total }]) => [{ storage: name }, total],
    ),
    family('dflow_storage_free_bytes', 'Free bytes of that disk.', spaces, ([name, { free }]) => [
      { storage: name },
      free,
    ]),
    family('dflow_buffer_files_bytes', 'Raw files on the buffer of a level.', buffer, ({ level, bytes }) => [
      { level },
      bytes,
    ]),
    family(
      'dflow_buffer_inflow_bytes_per_second',
      'What came in, on the mean of the last day.',
      buffer,
      ({ level, perDay }) => [{ level }, perDay / (DAY / SECOND)],
    ),
    family('dflow_buffer_size_bytes', 'Disk of the buffer, as its host last said.', buffer, ({ level, disk }) => [
      { level },
      disk?.total,
    ]),
    family('dflow_buffer_free_bytes', 'Free bytes of that disk.', buffer, ({ level, disk }) => [{ level }, disk?.free]),
    family(
      'dflow_buffer_full_in_seconds',
      'Time until it is full at the rate of the last day.',
      buffer,
      ({ level, daysLeft }) => [{ level }, daysLeft === undefined ? undefined : (daysLeft * DAY) / SECOND],
    ),
  ];
}

/** Only folders of this host are asked; one whose file server hangs is left out after a few seconds. */
async function spacesOf({ files, settings }: ReadPorts): Promise<(readonly [string, Space])[]> {
  const mounted = settings.storages.filter((storage) => storage.mounted);
  const asked = mounted.map(async ({ name, url }) => {
    const space = await inTime(
      files.space(url).catch(() => undefined),
      PATIENCE,
    );
    return space ? [[name, space] as const] : [];
  });
  return (await Promise.all(asked)).flat();
}

const PATIENCE = 5 * SECOND;
