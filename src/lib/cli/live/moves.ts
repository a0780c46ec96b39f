// Moving through a page: from item to item where they are near, else by lines. Pure.
import type { Key } from './input.ts';
import { bodyRows, front, linesOf, type Page, ROWS, type State, shown, withFront } from './model.ts';

export function moved(state: State, name: Key['name']): State {
  const page = front(state);
  if (!page.content) return state;
  const next = shown(
    withFront(state, { ...after(page, name, bodyRows(state)), follows: page.name === 'log' && name === 'end' }),
  );
  return wanting(next);
}

/** A list reads on before its end is reached. */
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

/** The first line of an item; without any the page's end. */
function lineOf(page: Page, item: number): readonly [number, number] | undefined {
  return page.content && linesOf(page.content, item);
}

/** Chooses the item `step` lines below, when it is in sight or next to it; else the page moves. */
function down(page: Page, rows: number, step: number): Partial<Page> {
  const here = lineOf(page, page.item);
  const seen = here && here[1] >= page.top && here[0] < page.top + rows;
  const content = page.content;
  if (!content || !here || !seen) return { top: page.top + step, ...nearest(page, page.top + step, rows) };
  const target = content.lines.findIndex(
    ({ item }, at) => at >= here[0] + step && item !== undefined && item > page.item,
  );
  const last = content.items.length - 1;
  const item = target < 0 ? last : (content.lines[target]?.item ?? last);
  const lines = item > page.item ? lineOf(page, item) : undefined;
  if (!lines || lines[0] > page.top + rows + step) return { top: page.top + step };
  return { item, top: Math.max(page.top, lines[1] - rows + 1) };
}

function up(page: Page, rows: number, step: number): Partial<Page> {
  const here = lineOf(page, page.item);
  const seen = here && here[1] >= page.top && here[0] < page.top + rows;
  const content = page.content;
  if (!content || !here || !seen) return { top: page.top - step, ...nearest(page, page.top - step, rows) };
  const target = content.lines.findLastIndex(
    ({ item }, at) => at <= here[0] - step && item !== undefined && item < page.item,
  );
  const item = target < 0 ? 0 : (content.lines[target]?.item ?? 0);
  const lines = item < page.item ? lineOf(page, item) : undefined;
  // Above the first item there may be more lines.
  if (!lines || lines[1] < page.top - step) return { top: page.top - step };
  return { item, top: Math.min(page.top, item === 0 && lines[0] < rows ? 0 : lines[0]) };
}

/** Items that came into sight when the page moved. */
function nearest(page: Page, top: number, rows: number): Partial<Page> {
  const seen = page.content?.lines.slice(Math.max(0, top), Math.max(0, top) + rows) ?? [];
  const first = seen.find(({ item }) => item !== undefined)?.item;
  return first === undefined ? {} : { item: first };
}
