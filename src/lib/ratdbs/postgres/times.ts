// Times as PostgreSQL writes them: `2026-07-14 06:00:00.25+00`, without a zone, or as a number of seconds.

/** Milliseconds of a time; `undefined` for none, and for what is not one. */
function timeOf(value: unknown): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const text = String(value);
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d*(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text);
  if (!match) return undefined;
  const [, day, clock, zone = 'Z'] = match;
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone;
  const time = Date.parse(`${day}T${clock}${offset}`);
  return Number.isNaN(time) ? undefined : time;
}

/** Milliseconds from start to end, where both are known. */
export function lengthOf(started: unknown, ended: unknown): number | undefined {
  const [from, to] = [timeOf(started), timeOf(ended)];
  return from === undefined || to === undefined || to < from ? undefined : to - from;
}
