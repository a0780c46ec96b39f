// Numbers and times the way a shifter reads them. Nothing here reads a clock.
export { humanBytes as humanSize } from '../util/text/bytes.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `14 Jul 09:02`, in the zone of this host. */
export function localTime(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getDate()} ${MONTHS[date.getMonth()]} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The same with seconds: `14 Jul 09:02:11`. */
export function localSecond(at: string): string {
  return `${localTime(at)}:${String(new Date(at).getSeconds()).padStart(2, '0')}`;
}

/** A sentence with its RFC 3339 times as `localTime` says them. */
export function localTimes(text: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, localTime);
}

/** `1,204`: thousands apart. */
export function humanCount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `1,204 files`, `2 copies`. */
export function humanCounted(count: number, noun: string, plural = `${noun}s`): string {
  return `${humanCount(count)} ${count === 1 ? noun : plural}`;
}
