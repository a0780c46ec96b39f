// What monitor makes of the outputs that a record names, by what their storage element says: only a certain answer may
// fail a job that ended well.
import { describe, expect, test } from 'vitest';
import { outputFolder, outputNames } from '../../../../src/lib/flow/jobs/spec.ts';
import type { Ports } from '../../../../src/lib/flow/ports.ts';
import { verifyOutputs } from '../../../../src/lib/flow/steps/monitor/readback.ts';
import { Address } from '../../../../src/lib/protocols/tools/address.ts';
import { errorOf, type Meaning, RemoteFailure } from '../../../../src/lib/protocols/tools/meaning.ts';
import type { Checksum, Storage } from '../../../../src/lib/storage.ts';
import type { ResultRecord } from '../../../../src/lib/wrapper/record.ts';
import { job, module } from '../../../support/docs.ts';

const one = job({ module: module('Fit', { level: 'run', outputs: { out: 'txt' } }) });
const subjob = one.subjobs[0]!;
const name = outputNames(one, subjob)[0]!.name;
const path = `${outputFolder(one)}/e/${name}`;
const output = { type: 'out', name, storage: 'sfu', path, size: 10, checksum: 'adler32:00000001' };
const record = { key: 'k', execution: 'e', phase: 'done', outputs: [output] } as unknown as ResultRecord;

/** Of a storage element whose checksum is `said`, or fails. */
function asked(said: Checksum | Meaning | Error) {
  const address = new Address('sfu', 'root://localhost//data', ['root']);
  const checksum = async (): Promise<Checksum> => {
    if (said instanceof Error) throw said;
    if (typeof said === 'string') throw errorOf(address, new RemoteFailure(said, 'words'), path);
    return said;
  };
  const storage = { checksum } as unknown as Storage;
  const ports = { storage: async () => storage, settings: { experiment: 'x' } } as unknown as Ports;
  return verifyOutputs(ports, one, subjob, record);
}

describe('outputs', () => {
  test('as the wrapper wrote them', async () => {
    expect(await asked({ adler32: '00000001', size: 10 })).toMatchObject({ ok: true, outputs: [{ name, size: 10 }] });
  });

  test.each<[string, Checksum | Meaning]>([
    ['other bytes', { adler32: '00000002', size: 10 }],
    ['another size', { adler32: '00000001', size: 9 }],
    ['missing', 'missing'],
    ['a folder', 'folder'],
  ])('%s: the job has failed', async (_, said) => {
    expect(await asked(said)).toMatchObject({ ok: false });
  });

  test.each<[string, Meaning | Error]>([
    ['down', 'down'],
    ['busy', 'busy'],
    ['credentials', 'credentials'],
    ['anything unforeseen', new Error('what')],
  ])('%s: undecided, asked again', async (_, said) => {
    expect(await asked(said)).toMatchObject({ ok: undefined });
  });
});
