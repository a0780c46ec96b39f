// The run type that a RUN table gives.
import type { RatdbFields } from '../formats/ratdbvalues.ts';

/** The run type mask of a RUN table; `undefined` when it gives none. */
export function maskOf(fields: RatdbFields): number | undefined {
  const mask = fields.runtype;
  return typeof mask === 'number' && Number.isInteger(mask) && mask >= 0 ? mask : undefined;
}
