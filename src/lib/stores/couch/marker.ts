// The mark of the one writable database of an experiment. Replication does not copy `_local` documents: replicas lack it.
import { SCHEMA } from '../../domain/doc.ts';
import { ReadOnlyStoreError } from '../../util/errors.ts';
import { otherExperiment } from '../shared/experiment.ts';
import type { Connection } from './server/connection.ts';

const PATH = '_local/dflow';

export interface Marker {
  readonly experiment: string;
  readonly uuid: string;
  readonly schema: number;
}

export async function readMarker(connection: Connection): Promise<Marker | undefined> {
  const { status, body } = await connection.read({ path: PATH, accept: [404] });
  return status === 404 ? undefined : (body as Marker);
}

/** Writes a new mark, and answers the one that stays: of two set-ups at once, or of a lost reply, it is one. */
export async function writeMarker(connection: Connection, experiment: string): Promise<Marker | undefined> {
  const body: Marker = { experiment, uuid: crypto.randomUUID(), schema: SCHEMA };
  await connection.read({ method: 'PUT', path: PATH, body, accept: [409] });
  return readMarker(connection);
}

/** @throws ReadOnlyStoreError for a replica or a newer store; UsageError for another experiment's */
export function assertWritable(where: string, marker: Marker | undefined, experiment: string | undefined): void {
  if (!marker) {
    throw new ReadOnlyStoreError('this database is not the writable one of an experiment: a replica, or not set up', {
      where,
      hint: 'use the writable database, or for a new one: dflow store setup',
    });
  }
  if (experiment !== undefined && marker.experiment !== experiment) {
    throw otherExperiment(where, marker.experiment, experiment);
  }
  if (marker.schema > SCHEMA) {
    throw new ReadOnlyStoreError(`the store is newer (schema ${marker.schema}) than this dflow (${SCHEMA})`, {
      where,
      hint: 'npm install -g dflow',
    });
  }
}
