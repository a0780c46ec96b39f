// The mark of the one writable database of an experiment. Replication does not copy `_local` documents: replicas lack it.
import { SCHEMA } from '../../domain/doc.ts';
import type { Marker } from '../shared/experiment.ts';
import type { Connection } from './server/connection.ts';

const PATH = '_local/dflow';

export async function readMarker(connection: Connection): Promise<Marker | undefined> {
  const { status, body } = await connection.read({ path: PATH, accept: [404] });
  return status === 404 ? undefined : (body as Marker);
}

/** Writes a new mark, and answers the one that stays: of two set-ups at once, or of a lost reply, it is one. */
export async function writeMarker(
  connection: Connection,
  experiment: string,
  uuid: string = crypto.randomUUID(),
): Promise<Marker | undefined> {
  const body: Marker = { experiment, uuid, schema: SCHEMA };
  await connection.read({ method: 'PUT', path: PATH, body, accept: [409] });
  return readMarker(connection);
}
