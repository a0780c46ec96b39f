// The live screen as data: which pages are open, what is chosen, what is asked. Pure: keys and answers make a new state
// and say what is to be done in the world.
import type { Found } from '../../flow/reports/live/found.ts';
import { LIVE_VIEWS, type LiveView } from '../../flow/reports/live/views.ts';
import { type Content, contentOf, errorContent, type LiveItem, type Sheet } from '../../render/live/content.ts';
import type { Action } from './action.ts';

export type PageName = LiveView | 'show' | 'why' | 'log' | 'reasons';

/** A page: a view, or what is behind one of its rows. */
export interface Page {
  /** Of this page alone: answers to others are not its. */
  readonly id: number;
  readonly name: PageName;
  /** The filter of a view; what another page is of. */
  readonly words: string;
  /** The filter that the view had before. */
  readonly before?: string;
  /** What stands in the page of a row can be done with the row. */
  readonly of?: LiveItem;
  /** Rows that are read at most. */
  readonly most: number;
  /** The item that is chosen. */
  readonly item: number;
  /** The first line that is seen. */
  readonly top: number;
  /** The end of a log stays in sight. */
  readonly follows: boolean;
  readonly found?: Found;
  readonly content?: Content;
}

/** What keys mean now. */
type Mode =
  | { readonly is: 'browse' }
  | { readonly is: 'filter'; readonly text: string }
  | { readonly is: 'why'; readonly scope: readonly string[]; readonly text: string }
  | { readonly is: 'until'; readonly scope: readonly string[]; readonly why: string; readonly text: string }
  /** The preview is awaited, or what was agreed to is being done. */
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
  /** A view, and above it what was opened from it. */
  readonly pages: readonly [Page, ...Page[]];
  /** The filter of each view, as it was typed. */
  readonly filters: Readonly<Partial<Record<LiveView, string>>>;
  readonly mode: Mode;
  readonly message?: Message;
  /** The store does not answer. */
  readonly away?: { readonly text: string; readonly since: string };
  /** When the page was last read. */
  readonly at?: string;
  /** The next page gets this number. */
  readonly next: number;
}

/** What is to be done in the world. */
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

/** Rows that a list reads at first. */
export const ROWS = 100;

export const isView = (name: PageName): name is LiveView => LIVE_VIEWS.some((view) => view === name);

export function initial(experiment: string, sheet: Sheet, rows: number): State {
  return { experiment, sheet, rows, pages: [newPage(1, 'status', '')], filters: {}, mode: { is: 'browse' }, next: 2 };
}

export function newPage(id: number, name: PageName, words: string, of?: LiveItem): Page {
  return { id, name, words, ...(of && { of }), most: ROWS, item: 0, top: 0, follows: name === 'log' };
}

/** The page in front. */
export function front({ pages }: State): Page {
  return pages.at(-1) ?? pages[0];
}

/** The chosen item of the page in front, where it is in sight. */
export function inSight(state: State): LiveItem | undefined {
  const { content, item, top } = front(state);
  const lines = content && linesOf(content, item);
  if (!lines || lines[1] < top || lines[0] >= top + bodyRows(state)) return undefined;
  return content.items[item];
}

/** What keys act on: the chosen item, or what the page is of. */
export function chosen(state: State): LiveItem | undefined {
  const { next: _, ...of } = front(state).of ?? { key: '' };
  const item = inSight(state);
  return item || front(state).of ? { ...of, ...item, key: item?.key ?? of.key } : undefined;
}

/** Lines between those above the page and the one below it. The last line of the terminal stays empty. */
export function bodyRows(state: State): number {
  const page = front(state);
  const fixed = page.content?.fixed.length ?? 0;
  const filter = isView(page.name) && page.words !== '' ? 1 : 0;
  return Math.max(1, state.rows - 1 - 2 - (hasTitle(state) ? 1 : 0) - fixed - filter);
}

/** A page of one thing begins with its name, and needs no title. */
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

/** What a look has found; of a page that is no longer open it is nothing. */
export function looked(state: State, id: number, found: Found, at: string): State {
  const { away: _, ...rest } = state;
  const pages = mapPages(state.pages, (page) =>
    page.id === id ? filled(page, contentOf(found, state.sheet), found) : page,
  );
  return shown({ ...rest, pages, at });
}

/** A page that cannot be shown: it says why. */
export function failed(state: State, id: number, text: string, next: string | undefined): State {
  const content = errorContent(text, next, state.sheet.columns - 2);
  return shown({ ...state, pages: mapPages(state.pages, (page) => (page.id === id ? filled(page, content) : page)) });
}

/** The store is away: what was found stays, and says that it is old. */
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

/** The chosen item stays the same one, wherever it now is. */
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

/** The top of a page is never beyond its end. */
export function shown(state: State): State {
  const page = front(state);
  const most = Math.max(0, (page.content?.lines.length ?? 0) - bodyRows(state));
  return withFront(state, { top: page.follows ? most : Math.max(0, Math.min(page.top, most)) });
}
