// Pages of help that belong to no single command: `dflow help TOPIC`, and the documents made of them.
import { configurationPage } from './configuration.ts';
import { EXIT_CODES } from './exitcodes.ts';
import { JSON_PAGE } from './json.ts';
import { modulesPage } from './modules.ts';
import type { Page } from './page.ts';
import { requestPage } from './request.ts';
import { SELECTIONS } from './selections.ts';
import { STATES } from './states.ts';

const PAGES = {
  'exit-codes': () => EXIT_CODES,
  states: () => STATES,
  selections: () => SELECTIONS,
  json: () => JSON_PAGE,
  configuration: configurationPage,
  modules: modulesPage,
  request: requestPage,
} as const;

export const TOPICS = Object.keys(PAGES);

/** The page of a topic; `undefined` for any other word. */
export function topicPage(word: string): Page | undefined {
  return Object.entries(PAGES).find(([name]) => name === word)?.[1]();
}
