// The mark of the one writable database of an experiment. Replication does not copy `_local` documents: replicas lack it.
import { SCHEMA } from '../../domain/doc.ts';
import { field } from '../../util/values/field.ts';
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

/** Whose replica a database is. */
export interface ReplicaMark {
  /** Unique id of the writable store. */
  readonly of: string;
  readonly source: string;
}

const REPLICA = '_local/dflow-replica';

export async function readReplicaMark(connection: Connection): Promise<ReplicaMark | undefined> {
  const { status, body } = await connection.read({ path: REPLICA, accept: [404] });
  return status === 404 ? undefined : (body as ReplicaMark);
}

export async function writeReplicaMark(connection: Connection, body: ReplicaMark): Promise<void> {
  await connection.read({ method: 'PUT', path: REPLICA, body, accept: [409] });
}

/** It has become the writable store. */
export async function removeReplicaMark(connection: Connection): Promise<void> {
  const { status, body } = await connection.read({ path: REPLICA, accept: [404] });
  const rev = String(field(body, '_rev'));
  if (status !== 404) await connection.read({ method: 'DELETE', path: REPLICA, query: { rev }, accept: [404, 409] });
}
