// Why a server gave no answer: what Node and its HTTP client say of a connection, in few words.
import { codeOf } from './systemerrors.ts';
import { field } from './values/field.ts';

/** Why there was no answer, in few words: of several addresses that were tried, the last one's. */
export function reasonOf(error: unknown): string {
  const [message, cause, errors] = ['message', 'cause', 'errors'].map((name) => field(error, name));
  if (typeof message === 'string' && message !== '') return message;
  if (Array.isArray(errors) && errors.length > 0) return reasonOf(errors.at(-1));
  return cause === undefined ? (codeOf(error) ?? 'no answer') : reasonOf(cause);
}
