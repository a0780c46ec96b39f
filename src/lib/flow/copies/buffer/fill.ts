// How full the buffers are. The host of a buffer asks its disk and tells the others; everybody can read what it said.
import { type Doc, SCHEMA } from '../../../domain/doc.ts';
import { type Change, idsWith } from '../../../store.ts';
import { UnreachableError } from '../../../util/errors.ts';
import type { Space } from '../../../util/files/disk.ts';
import { type Iso, MINUTE } from '../../../util/time.ts';
import { say, saying } from '../../jobs/said.ts';
import type { Ports, ReadPorts } from '../../ports.ts';

/** What a host last said of one of its buffers. */
export interface BufferDoc extends Doc {
  readonly kind: 'buffer';
  readonly host: string;
  readonly level: string;
  readonly at: Iso;
  /** Bytes. */
  readonly total: number;
  readonly free: number;
}

/** The disk of a level's buffer on this host. @throws UnreachableError when the folder is not there */
export async function spaceOfBuffer(ports: ReadPorts, level: string): Promise<Space> {
  const folder = (await ports.buffer(level)).localPath('');
  if (folder === undefined) throw new UnreachableError(`buffer ${level} is not a folder on this host`);
  return ports.files.space(folder);
}

/** Asks the disk of a buffer on this host and writes down what it says, once a minute at most. */
export async function fillOf(ports: Ports, level: string): Promise<void> {
  await say(ports, await fillSaid(ports, level));
}

export const bufferId = (host: string, level: string): string => `buffer:${host}:${level}`;

/** What the disk of a buffer on this host says. */
export async function fillSaid(ports: Ports, level: string): Promise<Change<BufferDoc>> {
  const space = await spaceOfBuffer(ports, level);
  const at = await ports.store.now();
  const { host } = ports;
  const doc: BufferDoc = { _id: bufferId(host, level), kind: 'buffer', v: SCHEMA, host, level, at, ...space };
  return saying(doc, MINUTE);
}

/** What every host last said of its buffers. */
export async function fills(ports: ReadPorts): Promise<BufferDoc[]> {
  return ports.store.range<BufferDoc>(idsWith('buffer:'));
}
