// Sizes the way a shifter reads them.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1.9 TB`: decimal units, as storage is sold and reported. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
