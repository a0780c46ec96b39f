// The live screen as data: open pages, the chosen item, a question. Pure: a key or an answer makes a new state, and names
// the effects that live.ts carries out.
import type { Found } from '../../flow/reports/live/found.ts';
import { LIVE_VIEWS, type LiveView } from '../../flow/reports/live/views.ts';
import type { Kind } from '../../flow/reports/look/look.ts';
import { type Content, contentOf, errorContent, type LiveItem, type Sheet } from '../../render/live/content.ts';
import type { Action } from './action.ts';

export type PageName = LiveView | 'show' | 'why' | 'log' | 'reasons';

/** A page of the screen: a view, or a page that was opened from a row. */
export interface Page {
  /** Number of this page. An answer to another page has another number. */
  readonly id: number;
  readonly name: PageName;
  /** The filter of a view; of any other page the REF or name that it shows. */
  readonly words: string;
  /** The filter before this one, for a filter that cannot be read. */
  readonly before?: string;
  /** The row that this page was opened from: keys act on the row, too. */
  readonly of?: LiveItem;
  /** Most rows that a look reads. */
  readonly most: number;
  /** Index of the chosen item. */
  readonly item: number;
  /** Index of the first line on the terminal. */
  readonly top: number;
  /** The page stays at its end while a log grows. */
  readonly follows: boolean;
  readonly found?: Found;
  readonly content?: Content;
}

/** What the screen waits for, which decides what a key does. */
type Mode =
  | { readonly is: 'browse' }
  | { readonly is: 'filter'; readonly text: string }
  | { readonly is: 'why'; readonly scope: readonly string[]; readonly text: string }
  | { readonly is: 'until'; readonly scope: readonly string[]; readonly why: string; readonly text: string }
  /** A dry run is under way, or (`doing`) the change itself. */
  | { readonly is: 'busy'; readonly action: Action; readonly doing: boolean }
  | { readonly is: 'question'; readonly action: Action; readonly lines: readonly string[]; readonly top: number }
  | { readonly is: 'help'; readonly top: number }
  | { readonly is: 'commands' };

interface Message {
  readonly text: string;
  readonly bad: boolean;
}

export interface State {
  readonly experiment: string;
  readonly sheet: Sheet;
  readonly rows: number;
  /** A view, then the pages that were opened from it. */
  readonly pages: readonly [Page, ...Page[]];
  /** The filter of each view, as it was typed. */
  readonly filters: Readonly<Partial<Record<LiveView, string>>>;
  readonly mode: Mode;
  readonly message?: Message;
  /** Set while the store does not answer. */
  readonly away?: { readonly text: string; readonly since: string };
  /** When the page was last read. */
  readonly at?: string;
  /** Number of the next page. */
  readonly next: number;
}

/** What live.ts does after a step. */
export type Effect =
  | { readonly do: 'look' }
  | { readonly do: 'preview'; readonly action: Action }
  | { readonly do: 'act'; readonly action: Action }
  | { readonly do: 'quit' }
  | { readonly do: 'suspend' }
  | { readonly do: 'interrupt' };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** Rows that the first look at a list reads. */
export const ROWS = 100;

export const isView = (name: PageName): name is LiveView => LIVE_VIEWS.some((view) => view === name);

type ListView = Exclude<LiveView, 'status' | 'flow'>;

/** What `dflow list` calls the rows of a view. */
export const LISTED: Readonly<Record<ListView, Kind>> = {
  runs: 'runs',
  jobs: 'jobs',
  copies: 'replicas',
  farms: 'farms',
  holds: 'holds',
};

export const isList = (name: PageName): name is ListView => Object.hasOwn(LISTED, name);

export function initial(experiment: string, sheet: Sheet, rows: number): State {
  return { experiment, sheet, rows, pages: [newPage(1, 'status', '')], filters: {}, mode: { is: 'browse' }, next: 2 };
}

export function newPage(id: number, name: PageName, words: string, of?: LiveItem): Page {
  return { id, name, words, ...(of && { of }), most: ROWS, item: 0, top: 0, follows: name === 'log' };
}

/** The page that the terminal shows. */
export function front({ pages }: State): Page {
  return pages.at(-1) ?? pages[0];
}

/** The chosen item of the page in front, where the terminal shows a part of it. */
export function inSight(state: State): LiveItem | undefined {
  const page = front(state);
  return linesInSight(page, bodyRows(state)) && page.content?.items[page.item];
}

/** The first and the last line of the chosen item, where the terminal shows a part of the item. */
export function linesInSight({ content, item, top }: Page, rows: number): ReturnType<typeof linesOf> {
  const lines = content && linesOf(content, item);
  return lines && lines[1] >= top && lines[0] < top + rows ? lines : undefined;
}

/** What keys act on: the chosen item, and the row that the page was opened from. */
export function chosen(state: State): LiveItem | undefined {
  const { next: _, ...of } = front(state).of ?? { key: '' };
  const item = inSight(state);
  return item || front(state).of ? { ...of, ...item, key: item?.key ?? of.key } : undefined;
}

/** Lines that the terminal has for the page. The last line of the terminal stays empty. */
export function bodyRows(state: State): number {
  const page = front(state);
  const fixed = page.content?.fixed.length ?? 0;
  const filter = isView(page.name) && page.words !== '' ? 1 : 0;
  return Math.max(1, state.rows - 1 - 2 - (hasTitle(state) ? 1 : 0) - fixed - filter);
}

/** A page of text begins with the name of its subject, and has no title line. */
export function hasTitle(state: State): boolean {
  const { content } = front(state);
  return state.away !== undefined || content === undefined || content.title !== '';
}

export function withFront(state: State, change: Partial<Page>): State {
  const [view, ...others] = state.pages;
  const last = others.pop();
  if (!last) return { ...state, pages: [{ ...view, ...change }] };
  return { ...state, pages: [view, ...others, { ...last, ...change }] };
}

/** Puts what a look has found into its page. The page may have been closed meanwhile: then nothing changes. */
export function looked(state: State, id: number, found: Found, at: string): State {
  const { away: _, ...rest } = state;
  const pages = mapPages(state.pages, (page) =>
    page.id === id ? filled(page, contentOf(found, state.sheet), found) : page,
  );
  return shown({ ...rest, pages, at });
}

/** Puts the reason why a page cannot be shown into the page. */
export function failed(state: State, id: number, text: string, next: string | undefined): State {
  const content = errorContent(text, next, state.sheet.columns - 2);
  return shown({ ...state, pages: mapPages(state.pages, (page) => (page.id === id ? filled(page, content) : page)) });
}

/** Notes that the store is away. Pages stay, and the title line says since when. */
export function unreachable(state: State, text: string, now: string): State {
  return { ...state, away: { text, since: state.away?.since ?? now } };
}

export function resized(state: State, sheet: Sheet, rows: number): State {
  const pages = mapPages(state.pages, (page) =>
    page.found ? { ...page, content: contentOf(page.found, sheet) } : page,
  );
  return shown({ ...state, sheet, rows, pages });
}

function mapPages([view, ...others]: State['pages'], change: (page: Page) => Page): State['pages'] {
  return [change(view), ...others.map(change)];
}

/** A page with new content. The same item stays chosen, also where its line has moved. */
function filled(page: Page, content: Content, found?: Found): Page {
  const key = page.content?.items[page.item]?.key;
  const same = content.items.findIndex((item) => item.key === key);
  const item = same >= 0 ? same : Math.max(0, Math.min(page.item, content.items.length - 1));
  return { ...page, content, item, ...(found && { found }) };
}

/** The first and the last line of an item. */
export function linesOf({ lines }: Content, item: number): readonly [first: number, last: number] | undefined {
  const first = lines.findIndex((line) => line.item === item);
  return first < 0 ? undefined : [first, lines.findLastIndex((line) => line.item === item)];
}

/** Keeps the top of the page within its lines. */
export function shown(state: State): State {
  const page = front(state);
  const most = Math.max(0, (page.content?.lines.length ?? 0) - bodyRows(state));
  return withFront(state, { top: page.follows ? most : Math.max(0, Math.min(page.top, most)) });
}
