// Presigned addresses for jobs without credentials: one for each file that the job reads or writes, valid for a limited
// time. They are in the job's own file, which only its user can read.
import type { Task } from '../../backend.ts';
import type { Errand, Storage } from '../../storage.ts';
import { mapLimit } from '../../util/concurrency.ts';
import { groupBy } from '../../util/values/group.ts';
import type { JobSpec } from '../../wrapper/spec.ts';

/** Tasks whose addresses are signed at the same time. */
const AT_ONCE = 32;

/** The tasks, each with the addresses that its job needs. @throws CredentialsError there are no keys to sign with */
export function lendAll(storages: ReadonlyMap<string, Storage>, tasks: readonly Task[]): Promise<Task[]> {
  return mapLimit(tasks, AT_ONCE, async ({ key, spec }) => ({ key, spec: await lend(storages, spec) }));
}

/** The job with the addresses that it needs. */
export async function lend(storages: ReadonlyMap<string, Storage>, spec: JobSpec): Promise<JobSpec> {
  const lent: Record<string, string> = {};
  for (const [name, mine] of groupBy(errandsOf(spec), ({ storage }) => storage)) {
    const addresses = (await storages.get(name)?.worker?.lend?.(mine)) ?? [];
    for (const [index, address] of addresses.entries()) {
      const { method, address: plain } = mine[index] ?? { method: '', address: '' };
      lent[`${method} ${plain}`] = address;
    }
  }
  return Object.keys(lent).length === 0 ? spec : { ...spec, lent };
}

/** Reads and writes of a job at elements that are not mounted. */
function errandsOf({ key, inputs, outputs, destinations }: JobSpec): (Errand & { readonly storage: string })[] {
  const reads = inputs.flatMap(({ source, copy, storage }) =>
    copy && storage !== undefined && !source.startsWith('/')
      ? [{ method: 'GET' as const, address: source, storage }]
      : [],
  );
  const writes = destinations.flatMap(({ storage, folder }) =>
    folder.startsWith('/')
      ? []
      : outputs.flatMap(({ name }) => {
          const address = `${folder}/${key}/${name}`;
          return (['PUT', 'DELETE'] as const).map((method) => ({ method, address, storage }));
        }),
  );
  return [...reads, ...writes];
}
