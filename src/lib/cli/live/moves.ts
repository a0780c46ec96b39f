// Moving through a page: from item to item where the next item is near, else by lines. Pure.
import type { Key } from './input.ts';
import { bodyRows, front, linesInSight, linesOf, type Page, ROWS, type State, shown, withFront } from './model.ts';

export function moved(state: State, name: Key['name']): State {
  const page = front(state);
  if (!page.content) return state;
  const next = shown(
    withFront(state, { ...after(page, name, bodyRows(state)), follows: page.name === 'log' && name === 'end' }),
  );
  return wanting(next);
}

/** Asks for more rows when the chosen item comes near the end of a list. */
function wanting(state: State): State {
  const { content, item, most } = front(state);
  const near = content !== undefined && item + 2 * bodyRows(state) >= content.items.length;
  return content?.more && near ? withFront(state, { most: most + 2 * ROWS }) : state;
}

function after(page: Page, name: Key['name'], rows: number): Partial<Page> {
  const lines = page.content?.lines.length ?? 0;
  const items = page.content?.items.length ?? 0;
  switch (name) {
    case 'down':
      return down(page, rows, 1);
    case 'up':
      return up(page, rows, 1);
    case 'pagedown':
      return down(page, rows, Math.max(1, rows - 1));
    case 'pageup':
      return up(page, rows, Math.max(1, rows - 1));
    case 'home':
      return { item: 0, top: 0 };
    case 'end':
      return { item: Math.max(0, items - 1), top: lines };
    default:
      return {};
  }
}

/** Chooses the item `step` lines below. Where no item is near, the page scrolls. */
function down(page: Page, rows: number, step: number): Partial<Page> {
  const { content } = page;
  const here = linesInSight(page, rows);
  if (!content || !here) return { top: page.top + step, ...nearest(page, page.top + step, rows) };
  const target = content.lines.findIndex(
    ({ item }, at) => at >= here[0] + step && item !== undefined && item > page.item,
  );
  const last = content.items.length - 1;
  const item = target < 0 ? last : (content.lines[target]?.item ?? last);
  const lines = item > page.item ? linesOf(content, item) : undefined;
  if (!lines || lines[0] > page.top + rows + step) return { top: page.top + step };
  return { item, top: Math.max(page.top, lines[1] - rows + 1) };
}

function up(page: Page, rows: number, step: number): Partial<Page> {
  const { content } = page;
  const here = linesInSight(page, rows);
  if (!content || !here) return { top: page.top - step, ...nearest(page, page.top - step, rows) };
  const target = content.lines.findLastIndex(
    ({ item }, at) => at <= here[0] - step && item !== undefined && item < page.item,
  );
  const item = target < 0 ? 0 : (content.lines[target]?.item ?? 0);
  const lines = item < page.item ? linesOf(content, item) : undefined;
  // Above the first item there may be more lines.
  if (!lines || lines[1] < page.top - step) return { top: page.top - step };
  return { item, top: Math.min(page.top, item === 0 && lines[0] < rows ? 0 : lines[0]) };
}

/** Chooses the first item on the terminal after the page has scrolled. */
function nearest(page: Page, top: number, rows: number): Partial<Page> {
  const seen = page.content?.lines.slice(Math.max(0, top), Math.max(0, top) + rows) ?? [];
  const first = seen.find(({ item }) => item !== undefined)?.item;
  return first === undefined ? {} : { item: first };
}
