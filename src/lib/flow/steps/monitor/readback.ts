// Before a record is believed: every declared output exists at the storage element it names, under the name and type
// that the job declares, with the checksum that the wrapper saw. Only then may the job's own write publish it.

import { guidOf, outputLfn } from '../../../domain/data/identity.ts';
import type { JobDoc, Subjob } from '../../../domain/jobs/job.ts';
import type { Output } from '../../../domain/jobs/states.ts';
import type { Checksum } from '../../../storage.ts';
import { BusyItemError, ItemError, messageOf, UnreachableError } from '../../../util/errors.ts';
import type { RecordOutput, ResultRecord } from '../../../wrapper/record.ts';
import { outputFolder, outputNames } from '../../jobs/spec.ts';
import type { Ports } from '../../ports.ts';
import type { Verification } from './decide.ts';

/** Checks the outputs of a successful record on storage. Never throws: what cannot be asked is undecided. */
export async function verifyOutputs(
  ports: Ports,
  job: JobDoc,
  subjob: Subjob,
  record: ResultRecord,
): Promise<Verification> {
  const outputs: Output[] = [];
  for (const declared of outputNames(job, subjob)) {
    const given = record.outputs.find((output) => output.type === declared.type);
    const wrong = mismatch(job, record, declared, given);
    if (wrong || !given) return { ok: false, why: wrong ?? `output ${declared.type} is not in the result record` };
    try {
      outputs.push(await verifyOne(ports, job, given));
    } catch (error) {
      // Busy is not an answer, as unreachable is none: the outputs are asked for again.
      if (error instanceof ItemError && !(error instanceof BusyItemError))
        return { ok: false, why: `output ${given.name} at ${given.storage}: ${messageOf(error)}` };
      if (error instanceof UnreachableError) return { ok: undefined, why: `${given.storage}: ${messageOf(error)}` };
      return { ok: undefined, why: messageOf(error) };
    }
  }
  return { ok: true, outputs };
}

/** What is wrong with a record's claim about an output, before storage is asked. */
function mismatch(
  job: JobDoc,
  record: ResultRecord,
  declared: { type: string; name: string },
  given: RecordOutput | undefined,
): string | undefined {
  if (!given) return `output ${declared.type} is missing`;
  if (given.name !== declared.name) return `output ${declared.type} is named ${given.name}, not ${declared.name}`;
  // Presigned addresses contain the key of the job: they are signed before any start has a name.
  const paths = [record.execution, record.key].map((start) => `${outputFolder(job)}/${start}/${declared.name}`);
  return paths.includes(given.path) ? undefined : `output ${declared.type} is at ${given.path}, not ${paths[0]}`;
}

/** The wrapper's checksum is of the kind that its way of copying verifies. @throws ItemError */
function compare(wrote: string, found: Checksum): void {
  const kind = wrote.startsWith('md5:') ? 'md5' : 'adler32';
  const now = found[kind];
  if (now !== undefined && wrote !== `${kind}:${now}`)
    throw new ItemError(`${kind} ${now}, the wrapper wrote ${wrote.slice(kind.length + 1)}`);
}

async function verifyOne(ports: Ports, job: JobDoc, given: RecordOutput): Promise<Output> {
  const storage = await ports.storage(given.storage);
  const found = await storage.checksum(given.path, { md5: given.checksum.startsWith('md5:') });
  if (found.size !== given.size) throw new ItemError(`${found.size} bytes, the wrapper wrote ${given.size}`);
  if (found.size === 0) throw new ItemError('empty');
  compare(given.checksum, found);
  const { experiment } = ports.settings;
  const lfn = outputLfn(experiment, job.version, job.module, job.run, given.name);
  const guid = guidOf(experiment, lfn);
  return {
    type: given.type,
    name: given.name,
    storage: given.storage,
    path: given.path,
    size: found.size,
    adler32: found.adler32,
    guid,
    lfn,
  };
}
