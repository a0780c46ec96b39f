// An original that is gone from the buffer by other hands, while its copies are good: `register --accept` writes down that
// it is missed by nobody. A receipt says who has said so; nothing is deleted here.
import type { DataDoc, RawFile } from '../../../../domain/data/data.ts';
import { dataId, refOf } from '../../../../domain/ids.ts';
import { type Decision, tookEffect } from '../../../../store.ts';
import { ItemError } from '../../../../util/errors.ts';
import { views } from '../../../../views/index.ts';
import type { Item, Ports } from '../../../ports.ts';
import { hasCopies } from './newfiles.ts';

/** An original that is known not to be what was registered. */
export interface Vanished {
  readonly doc: DataDoc;
  readonly file: RawFile;
}

/** Those that `word` means: a name, a path, a run, or the id of a data document. */
export async function vanishedAs({ store, settings }: Ports, word: string): Promise<Vanished[]> {
  const ids = new Set<string>();
  for (const { level } of settings.buffers)
    for (const { id } of await store.view(views.buffer, { prefix: ['on', level, 'changed'] })) ids.add(id);
  return [...(await store.get<DataDoc>([...ids])).values()].flatMap((doc) =>
    doc.files.flatMap((file) => {
      const words = [file.name, file.path, refOf(doc.run), doc._id];
      return file.original.state === 'changed' && words.includes(word) ? [{ doc, file }] : [];
    }),
  );
}

/** @throws ItemError where it is on the buffer, or no copy of it is good */
export async function acceptLoss(ports: Ports, { doc, file }: Vanished, { why }: { why: string }): Promise<Item> {
  const { _id: id, level, run, host } = doc;
  const { name, path, size, adler32 } = file;
  if (host !== ports.host)
    throw new ItemError(`${name} is on ${host}, this is ${ports.host}`, { hint: `run the command on ${host}` });
  if ((await (await ports.buffer(level)).stat([path])).has(path))
    throw new ItemError(`${path} is on the buffer`, { hint: 'dflow register' });
  if (!hasCopies(file))
    throw new ItemError(`${name} is not on the buffer and has no good copy`, {
      hint: 'put the file on the buffer again, then: dflow register',
    });
  const text = `${name}: gone from the buffer, its copies count: ${why}`;
  const item: Item = { kind: 'original', ref: refOf(run), did: 'accepted', run, level, file: name, text };
  if (ports.dry) return item;
  const since = await ports.store.now();
  const receipt = ports.receipts.make(ports.settings.folder, 'gone', since, ports.nonce());
  try {
    await receipt.write([{ kind: 'gone', id, run, name, size, adler32, why, by: ports.by, host }]);
  } finally {
    await receipt.close();
  }
  const gone = { state: 'purged', since, receipt: receipt.name } as const;
  const outcome = await ports.store.update<DataDoc>(dataId(level, run), (now): Decision<DataDoc> => {
    const current = now?.files.find((one) => one.subrun === file.subrun);
    if (!now || current?.original.state !== 'changed' || !hasCopies(current)) return { skip: 'changed by another' };
    return { write: { ...now, files: now.files.map((one) => (one === current ? { ...one, original: gone } : one)) } };
  });
  if (!tookEffect(outcome)) throw new ItemError(outcome.why ?? `not written: ${outcome.result}`);
  return { ...item, receipt: receipt.name };
}
