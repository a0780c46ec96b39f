// Exit codes: in short for the end of each command's help, in full for their own page and the README.
import type { Page } from './page.ts';

export const EXITS: Readonly<Record<number, string>> = {
  0: 'done, or nothing to do',
  1: 'some items failed; each is named',
  2: 'wrong command line, wrong configuration, or a store that is read-only',
  3: 'the store cannot be reached',
  4: 'credentials are missing or expired',
  5: 'a batch system or storage element cannot be reached, or is not the expected one',
  75: 'another dflow holds the lease, or dflow was replaced while it ran: try again',
  124: 'the time was over before everything was there',
  130: 'interrupted (143: terminated)',
};

export const EXIT_CODES: Page = {
  title: 'Exit codes: what a script can rely on',
  parts: [
    {
      words: [
        ['0', 'done, or there was nothing to do'],
        ['1', 'some items failed in this call, each named; or the output could not be written'],
        ['2', 'usage, configuration, a read-only store, or a working folder that was removed'],
        ['3', 'the store cannot be reached, is damaged, or was replaced'],
        ['4', 'credentials are missing, refused or expired'],
        ['5', 'nothing could be done: a batch system or the storage elements cannot be reached'],
        ['75', 'another instance holds the lease, or dflow was replaced while it ran: try again'],
        ['124', 'the time of `dflow wait` was over before everything was done'],
        ['130, 143', 'interrupted by ^C, or terminated; nothing is lost, the next call goes on'],
        ['70', 'a defect of dflow and nothing else: please report it'],
      ],
    },
    {
      text: 'Repeat a command that ended with 3, 5 or 75 as it is. After 2 or 4 a person must mend something first; the line that begins with Next says what. `dflow status --check` ends with 1 when something needs a person.',
    },
  ],
};
