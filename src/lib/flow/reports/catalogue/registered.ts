// Copies with what the catalogue of the collaboration has of each: what it says now, asked for by hundreds.
import { didText } from '../../../catalogue.ts';
import { registeredAs } from '../../../domain/catalogue/compare.ts';
import { filesOf, type Holder, type PartFile } from '../../../domain/catalogue/parts.ts';
import { jobId } from '../../../domain/ids.ts';
import { parseRef } from '../../../domain/selection.ts';
import {
  addressOf,
  fileDid,
  isKnownAt,
  type Naming,
  placeOf,
  requireCatalogue,
  thereOf,
} from '../../copies/catalogue/names.ts';
import type { ReadPorts } from '../../ports.ts';
import type { ReplicaRow } from '../look/replicarows.ts';
import type { Rows } from '../look/row.ts';

/** Copies asked about at once. */
const AT_ONCE = 500;

/** The same rows, in the same order. @throws ConfigError, UnreachableError, CredentialsError */
export async function* registeredRows(ports: ReadPorts, rows: Rows<ReplicaRow>): Rows<ReplicaRow> {
  requireCatalogue(ports);
  let some: ReplicaRow[] = [];
  for await (const row of rows) {
    if ('did' in row) yield row;
    else some.push(row);
    if (some.length < AT_ONCE) continue;
    yield* await answered(ports, some);
    some = [];
  }
  yield* await answered(ports, some);
}

interface Asked {
  readonly row: ReplicaRow;
  readonly doc: Holder;
  readonly file: PartFile;
}

async function answered(ports: ReadPorts, rows: readonly ReplicaRow[]): Promise<ReplicaRow[]> {
  if (rows.length === 0) return [];
  const { settings, open } = requireCatalogue(ports);
  const naming: Naming = { ports, settings };
  const knownAt = isKnownAt(naming);
  const asked = (await withFiles(ports, rows)).filter(({ row }) => knownAt(row.storage));
  const dids = new Map(asked.map(({ doc, file }) => fileDid(naming, doc, file.name)).map((did) => [didText(did), did]));
  const places = [...new Set(asked.map(({ row }) => placeOf(naming, row.storage)))];
  const known = dids.size === 0 ? new Map() : await (await open()).look([...dids.values()], places);
  const answers = new Map(
    asked.map(({ row, doc, file }) => {
      const did = didText(fileDid(naming, doc, file.name));
      const there = thereOf(known.get(did), placeOf(naming, row.storage));
      const address = row.path === undefined ? undefined : addressOf(naming, row.storage, row.path);
      return [row, { ...row, ...registeredAs(file, there, address), registeredAs: did }] as const;
    }),
  );
  return rows.map((row) => answers.get(row) ?? { ...row, registered: 'no-rse' });
}

/** The documents behind rows, and the file in each. */
async function withFiles({ store }: ReadPorts, rows: readonly ReplicaRow[]): Promise<Asked[]> {
  const docs = await store.get<Holder>([...new Set(rows.map(idOf))]);
  const files = new Map([...docs].map(([id, doc]) => [id, new Map(filesOf(doc).map((file) => [file.name, file]))]));
  return rows.flatMap((row) => {
    const id = idOf(row);
    const doc = docs.get(id);
    const file = files.get(id)?.get(row.name);
    return doc && file ? [{ row, doc, file }] : [];
  });
}

/** Raw files have the id of their document as REF, outputs that of a subjob. */
function idOf({ ref, level }: ReplicaRow): string {
  if (level !== undefined) return ref;
  const { run = 0, module = '', pass = 0 } = parseRef(ref) ?? {};
  return jobId(run, module, Number(pass));
}
