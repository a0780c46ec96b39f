// What doctor finds against docs/doctor.md, which is made of the texts of the checks: a finding that is not described
// there, or whose remedy is not, is a fault of the document.
import type { CheckItem } from '../../src/lib/domain/results/items.ts';
import type { About } from '../../src/lib/flow/steps/doctor/check.ts';
import { CHECKS } from '../../src/lib/flow/steps/doctor/checks.ts';

const all = CHECKS.flatMap((check) => check.about);

/** `disks/PATH` fits any path; `drift/HOST` also `drift`, where there is nobody. */
function fits({ ref }: About, item: CheckItem): boolean {
  const [name = '', ...subject] = ref.split('/');
  const pattern = subject.join('/').replace(/\b[A-Z]{4,}\b/g, '.+');
  return new RegExp(`^${name}(/${pattern})?$`, 's').test(item.ref);
}

/** Said by the examination itself, whatever it looked at. */
const OF_ALL = /^(no answer within|this check broke|another doctor|without --dry-run)/;

/** What the document lacks; `undefined`: nothing. */
export function undescribed(item: CheckItem): string | undefined {
  const fitting = all.filter((about) => fits(about, item));
  const about = fitting.find(({ ref }) => !/[A-Z]{4,}/.test(ref)) ?? fitting[0];
  if (!about) return `docs/doctor.md has no ${item.ref}`;
  if (item.next === undefined || item.did === 'ok' || OF_ALL.test(item.text ?? '')) return undefined;
  const [word = ''] =
    /^(dflow [a-z]+( (list|setup|deploy|drain|disable|check|show|replicate))?|[\w'-]+)/.exec(item.next) ?? [];
  const { mends } = about.mends.startsWith('The same as')
    ? (all.find(({ ref }) => ref.startsWith('folders/buffer')) ?? about)
    : about;
  return mends.toLowerCase().includes(word.toLowerCase())
    ? undefined
    : `${about.ref} does not name '${word}': ${item.next}`;
}
