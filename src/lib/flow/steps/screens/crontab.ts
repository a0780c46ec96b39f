// Lines of a crontab for the loops of a host: one round each time. Two rounds of a loop never overlap, since each takes
// the loop's lock.
import { shellWord } from '../../../util/text/shell.ts';
import { HOUR, humanDuration, MINUTE } from '../../../util/time.ts';
import type { Launch } from './launch.ts';

/** Minutes that divide an hour, and hours that divide a day: what a crontab can say evenly. */
const EVEN = {
  minutes: [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30],
  hours: [1, 2, 3, 4, 6, 8, 12, 24],
} as const;

/** The time fields for an interval, and the interval that they mean: the next shorter one that a crontab can say. */
export function timesOf(every: number, shift = 0): { readonly fields: string; readonly every: number } {
  const minutes = largest(EVEN.minutes, every / MINUTE);
  const minute = shift % 60;
  if (every < HOUR) {
    const offset = minute % minutes;
    const field = minutes === 1 ? '*' : `${offset === 0 ? '*' : `${offset}-59`}/${minutes}`;
    return { fields: `${field} * * * *`, every: minutes * MINUTE };
  }
  const hours = largest(EVEN.hours, every / HOUR);
  const hour = hours === 24 ? String(shift % 24) : hours === 1 ? '*' : `*/${hours}`;
  return { fields: `${minute} ${hour} * * *`, every: hours * HOUR };
}

function largest(known: readonly number[], wanted: number): number {
  return known.filter((one) => one <= wanted).at(-1) ?? known[0] ?? 1;
}

/** In a command of a crontab a bare `%` ends the line: man 5 crontab. */
function line(words: readonly string[]): string {
  return words.map(shellWord).join(' ').replaceAll('%', '\\%');
}

/** The whole text. Loops that are switched off are comments. `env`: what the loops find their programs by. */
export function crontab(title: string, launches: readonly Launch[], env: Readonly<Record<string, string>>): string {
  const lines = launches.map((launch, index) => {
    // Neighbours do not all begin in the same minute.
    const times = timesOf(launch.every, index);
    const differs = times.every === launch.every ? '' : `, here every ${humanDuration(times.every)}`;
    const text = `# ${launch.name}: every ${humanDuration(launch.every)}${differs}${launch.on ? '' : '; switched off'}`;
    const entry = `${times.fields} ${line(launch.command)} --quiet`;
    return `${text}\n${launch.on ? '' : '# '}${entry}`;
  });
  return [
    `# ${title}`,
    '# Printed by `dflow screens cron`; `crontab -e` is where these lines go.',
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...lines,
  ].join('\n');
}
