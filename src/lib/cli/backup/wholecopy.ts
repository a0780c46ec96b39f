// A file with a whole store, read to its end.
import type { StoreInfo, StoreModule } from '../../store.ts';
import { type DflowError, StoreError } from '../../util/errors.ts';

/** What the copy says of itself. @throws what `unsound` makes of the error of a copy that is damaged */
export async function wholeInfo(
  { open, file }: StoreModule,
  path: string,
  unsound: (error: StoreError) => DflowError,
): Promise<StoreInfo> {
  try {
    const store = await open(file?.urlOf(path) ?? path, { write: false });
    try {
      const fault = ((await store.check?.()) ?? []).find(({ damage }) => damage);
      if (fault) throw new StoreError(fault.text);
      return await store.info();
    } finally {
      await store.close();
    }
  } catch (error) {
    throw error instanceof StoreError ? unsound(error) : error;
  }
}
