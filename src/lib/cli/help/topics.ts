// Pages of help that belong to no single command: `dflow help TOPIC`, and the documents made of them.
import { EXIT_CODES } from './exitcodes.ts';
import { JSON_PAGE } from './json.ts';
import type { Page } from './page.ts';
import { SELECTIONS } from './selections.ts';
import { STATES } from './states.ts';

export const TOPICS: Readonly<Record<string, Page>> = {
  'exit-codes': EXIT_CODES,
  states: STATES,
  selections: SELECTIONS,
  json: JSON_PAGE,
};
