// Hosts that work with other settings than this one, by what they last said in their signs of life.
import type { LoopDoc } from '../../../../../domain/farms/farm.ts';
import { idsWith } from '../../../../../store.ts';
import { between, DAY } from '../../../../../util/time.ts';
import { settingHashes } from '../../../../farms/settinghashes.ts';
import { type Check, type Finding, notChecked, ok, type Patient, warning } from '../../check.ts';

export const check: Check = {
  name: 'drift',
  group: 'configuration',
  about: [
    {
      ref: 'drift/HOST',
      looks: 'The settings that other hosts said in the last two days. Without other hosts it is `drift`.',
      means: 'Two hosts work with different configurations, or one of them has a dflow that does not say its settings.',
      mends:
        '`dflow config show` on both hosts, then one configuration for both; or install one version of dflow on all hosts.',
    },
  ],
  looks: (patient) => [{ subject: 'drift', look: () => compare(patient) }],
};

/** What a host said longer ago is not what it does now. */
const OLD = 2 * DAY;

async function compare({ store, settings, host }: Patient): Promise<readonly Finding[]> {
  const now = await store.now();
  const own = settingHashes(settings, host);
  const latest = new Map<string, LoopDoc>();
  for (const doc of await store.range<LoopDoc>(idsWith('loop:'))) {
    const known = latest.get(doc.host);
    if (between(doc.at, now) < OLD && (known === undefined || known.at < doc.at)) latest.set(doc.host, doc);
  }
  latest.delete(host);
  if (latest.size === 0) return [ok('no other host has worked in the last two days')];
  return [...latest].map(([other, { settings: theirs }]) => {
    if (!theirs)
      return notChecked(
        `${other} runs a dflow that does not say its settings`,
        'install one version on all hosts',
        other,
      );
    const keys = Object.keys(own).filter((key) => own[key] !== theirs[key]);
    if (keys.length === 0) return ok('the same settings', other);
    return warning(`other settings than this host: ${keys.join(', ')}`, 'dflow config show', other);
  });
}
