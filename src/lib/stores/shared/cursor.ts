// Cursors of the change feed: what a store takes back as `since`.
import { UsageError } from '../../util/errors.ts';

/**
 * @throws UsageError for what is not a cursor (`form`), or, where `newest` is known, one of a store that has come further
 * than this one
 */
export function requireCursor(since: string, form: RegExp, where: string, newest = Number.POSITIVE_INFINITY): void {
  const detail = { where, hint: 'begin with the oldest change: --since 0' };
  if (!form.test(since)) throw new UsageError(`'${since.slice(0, 80)}' is not a cursor of this store`, detail);
  if (Number(since) <= newest || !Number.isFinite(newest)) return;
  const text = `cursor ${since} is beyond the last change (${newest}): it is of another store, or this is an older backup`;
  throw new UsageError(text, detail);
}
