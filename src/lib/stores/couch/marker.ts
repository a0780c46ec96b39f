// The mark of the one writable database of an experiment. Replication does not copy `_local` documents: replicas lack it.
import { SCHEMA } from '../../domain/doc.ts';
import type { Marker } from '../shared/experiment.ts';
import type { Connection } from './server/connection.ts';

const PATH = '_local/dflow';

export function readMarker(connection: Connection): Promise<Marker | undefined> {
  return connection.find<Marker>(PATH);
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

export function readReplicaMark(connection: Connection): Promise<ReplicaMark | undefined> {
  return connection.find<ReplicaMark>(REPLICA);
}

export async function writeReplicaMark(connection: Connection, body: ReplicaMark): Promise<void> {
  await connection.read({ method: 'PUT', path: REPLICA, body, accept: [409] });
}

/** It has become the writable store. */
export async function removeReplicaMark(connection: Connection): Promise<void> {
  await connection.remove(REPLICA);
}
