// States of a pass, in the words of who waits for it.
import type { PassState } from '../../domain/jobs/states.ts';
import { STATE_SETS } from '../../domain/selection.ts';
import type { Page } from './page.ts';

/** What a state means, and what happens next. */
const MEANING: Readonly<Record<PassState, string>> = {
  waiting: 'not submitted yet; `dflow why REF` names each condition that is not met',
  held: 'stopped by a person or by a rule for failures, with a reason; continues after a time or `dflow retry REF`',
  submitting: 'claimed by `dflow submit`; the batch system has not confirmed it yet, and nothing runs',
  submitted: 'in the queue of a batch system',
  running: 'runs on a worker node',
  completed: 'every declared output is verified on a storage element',
  failed: 'no tries are left; `dflow why REF` shows the cause, `dflow retry REF` runs it again',
  canceled: 'stopped by a person; `dflow retry REF` starts it again',
  deleted: 'the outputs were deleted by `dflow delete`; `dflow retry REF` makes them again',
  partFail: 'some subjobs are completed, others failed; `dflow retry REF` runs only those that failed',
  unsatisfied: 'cannot start, since a prerequisite failed, was canceled or deleted; retry that one first',
};

export const STATES: Page = {
  title: 'States of a pass, and what to do in each',
  parts: [
    { words: Object.entries(MEANING) },
    { heading: 'Names for several states' },
    { words: Object.entries(STATE_SETS).map(([name, states]) => [name, states.join(', ')]) },
    {
      text: 'A pass has one subjob for each file, or one for the whole run. The state of a pass follows from its subjobs. Use states in selections:',
    },
    { code: 'dflow list jobs --state failed,partFail --since 12h\ndflow retry --state failed --cause time-limit' },
  ],
};
