// The host's clock against the store's: one that is minutes off makes signs of life that nobody believes.
import { humanDuration, ms, SECOND, SKEW } from '../../../../../util/time.ts';
import { type Check, failed, ok, warning } from '../../check.ts';

/** Further off, but believed. */
const ODD = 5 * SECOND;

export const check: Check = {
  name: 'clock',
  group: 'host',
  about: [
    {
      ref: 'clock',
      looks: 'The clock of this host against that of the store.',
      means:
        'More than 2 minutes off: other hosts take what this host says for absent. More than 5 seconds: a warning.',
      mends: 'Set the clock: `chronyc makestep`, or `timedatectl set-ntp true`.',
    },
  ],
  looks: ({ store, clock, host }) => [
    {
      subject: 'clock',
      look: async () => {
        const before = clock();
        const theirs = ms(await store.now());
        // The answer was on its way for half of this.
        const ours = (before + clock()) / 2;
        const off = ours - theirs;
        const text = `${humanDuration(off)} ${off > 0 ? 'ahead of' : 'behind'} the store's clock`;
        const fix = `set the clock of ${host}: chronyc makestep, or timedatectl set-ntp true`;
        if (Math.abs(off) > SKEW) return failed(text, fix);
        return Math.abs(off) > ODD ? warning(text, fix) : ok(`within ${ODD / SECOND} s of the store's clock`);
      },
    },
  ],
};
