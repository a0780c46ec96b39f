// Credentials as text: how long a proxy command or a bearer token says that they are good for. Pure; no secret leaves it.
import { field } from '../util/values/field.ts';

/**
 * Seconds left, from what a command such as `voms-proxy-info -timeleft` prints: the last line that is a number.
 * `undefined` when there is none.
 */
export function secondsLeft(output: string): number | undefined {
  const numbers = output.split('\n').filter((line) => /^\s*-?\d+(\.\d+)?\s*$/.test(line));
  return numbers.length === 0 ? undefined : Number(numbers.at(-1));
}

/** Seconds until a JSON Web Token expires at `now` (ms); `undefined` for an opaque one, which does not say. */
export function tokenLeft(token: string, now: number): number | undefined {
  const [, payload, signature] = token.trim().split('.');
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const expires = field(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')), 'exp');
    return typeof expires === 'number' ? expires - now / 1000 : undefined;
  } catch {
    return undefined;
  }
}
