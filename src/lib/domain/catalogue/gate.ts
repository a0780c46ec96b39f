// The gate of jobs that wait until the catalogue of the collaboration knows their input files (`catalogue.gate`).

import type { Iso } from '../../util/time.ts';
import type { DataDoc } from '../data/data.ts';
import type { JobDoc } from '../jobs/job.ts';
import type { CatalogueSettings } from '../settings.ts';
import { filesOf, type Holder, type PartFile, toldCopies } from './parts.ts';

/** What such a job waits for, before the id of a document: that the catalogue is told of its files. */
export const REGISTERED = 'registered:';

/** As `Gate` of readiness. */
interface RegisteredGate {
  readonly gate: 'registered';
  readonly ok: boolean;
  readonly text: string;
  readonly since?: Iso;
  readonly next?: string;
  readonly on?: string;
}

interface RegisteredFacts {
  readonly job: JobDoc;
  readonly data: DataDoc | undefined;
  readonly prerequisites: ReadonlyMap<string, JobDoc>;
  /** Absent: jobs do not wait for the catalogue. */
  readonly catalogue?: CatalogueSettings;
}

interface InputFile {
  readonly doc: Holder;
  readonly file: PartFile;
}

/** Met when the catalogue knows every input file, wherever its copy lies. */
export function registeredGates({ job, data, prerequisites, catalogue }: RegisteredFacts): RegisteredGate[] {
  if (!catalogue) return [];
  const files = inputFiles(job, data, prerequisites);
  if (files.length === 0) return [];
  const missing = files.filter(({ doc, file }) => !isRegistered(doc, file));
  const first = missing.find(({ doc, file }) => doc.catalogue?.refused?.[file.name]) ?? missing[0];
  if (!first)
    return [{ gate: 'registered', ok: true, text: `${catalogue.kind} knows all of ${files.length} input files` }];
  const { text, ...rest } = whyNot(first, catalogue);
  const count = `${missing.length} of ${files.length} input files are not registered in ${catalogue.kind}`;
  return [{ gate: 'registered', ok: false, text: `${count}${text}`, ...rest, on: `${REGISTERED}${first.doc._id}` }];
}

/** True when the catalogue was told of a copy. */
export function isRegistered(doc: Holder, { part, name }: PartFile): boolean {
  return toldCopies(doc.catalogue).some((told) => told.part === part && told.name === name);
}

/** Raw files that its subjobs read, and outputs of prerequisites that have completed. */
function inputFiles(
  { subjobs }: JobDoc,
  data: DataDoc | undefined,
  prerequisites: ReadonlyMap<string, JobDoc>,
): InputFile[] {
  const found = new Map<string, InputFile>();
  const raw = new Map((data ? filesOf(data) : []).map((file) => [file.name, file]));
  const outputs = new Map([...prerequisites].map(([id, doc]) => [id, doc.state === 'completed' ? filesOf(doc) : []]));
  for (const input of subjobs.flatMap(({ inputs }) => inputs)) {
    if (input.kind === 'raw') {
      const file = raw.get(input.name);
      if (data && file) found.set(`${data._id} ${file.name}`, { doc: data, file });
      continue;
    }
    const doc = prerequisites.get(input.job);
    for (const file of outputs.get(input.job) ?? [])
      if (doc && input.types?.includes(file.part) !== false)
        found.set(`${doc._id} ${file.part} ${file.name}`, { doc, file });
  }
  return [...found.values()];
}

/** Why the catalogue was not told of a file, and the command that has it told. */
function whyNot(
  { doc, file }: InputFile,
  { places }: CatalogueSettings,
): Pick<RegisteredGate, 'text' | 'next' | 'since'> {
  const refused = doc.catalogue?.refused?.[file.name];
  if (refused)
    return {
      text: `; ${file.name} is refused: ${refused.why}`,
      since: refused.since,
      next: `dflow verify --catalogue --repair --run ${doc.run}`,
    };
  const good = file.copies.filter(({ state }) => state.is === 'good');
  if (good.some(({ storage }) => Object.hasOwn(places, storage)))
    return { text: '', next: `dflow catalogue sync --run ${doc.run}` };
  const [place = ''] = Object.keys(places);
  const text = `; ${file.name} has no good copy at ${Object.keys(places).join(' or ')}`;
  const [copy] = good;
  if (doc.kind === 'data') return { text, next: `dflow transfer --to ${place} --run ${doc.run}` };
  return {
    text,
    next: copy ? `add ${copy.storage} to catalogue.rses in dflow.yaml` : `dflow verify --repair --run ${doc.run}`,
  };
}
