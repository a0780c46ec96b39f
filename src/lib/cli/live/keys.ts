// What each key does. Pure.
import { stripVTControlCharacters } from 'node:util';
import { LIVE_VIEWS, type LiveView } from '../../flow/reports/live/views.ts';
import type { LiveItem } from '../../render/live/content.ts';
import { nth } from '../../util/values/have.ts';
import { typedWords } from '../completion/words.ts';
import type { Action } from './action.ts';
import type { Key } from './input.ts';
import {
  bodyRows,
  chosen,
  front,
  isList,
  isView,
  LISTED,
  newPage,
  type PageName,
  type State,
  type Step,
  shown,
} from './model.ts';
import { moved } from './moves.ts';

export function press(state: State, key: Key): Step {
  if (key.name === 'interrupt' || key.name === 'suspend') return { state, effects: [{ do: key.name }] };
  const { message: _, ...calm } = state;
  switch (state.mode.is) {
    case 'browse':
      return browse(calm, key);
    case 'filter':
    case 'why':
    case 'until':
      return type(calm, state.mode, key);
    case 'question':
      return answer(calm, state.mode, key);
    case 'busy':
      return only(state);
    case 'help':
      return key.name === 'down' || key.name === 'up'
        ? only({ ...calm, mode: { ...state.mode, top: Math.max(0, state.mode.top + (key.name === 'down' ? 1 : -1)) } })
        : only(browsing(calm));
    default:
      return only(browsing(calm));
  }
}

const only = (state: State): Step => ({ state, effects: [] });
const look = (state: State): Step => ({ state, effects: [{ do: 'look' }] });
const browsing = (state: State): State => ({ ...state, mode: { is: 'browse' } });
const say = (state: State, text: string, bad = false): Step => only({ ...state, message: { text, bad } });

function browse(state: State, key: Key): Step {
  if (key.name !== 'char') return special(state, key);
  const at = Number(key.char) - 1;
  const view = LIVE_VIEWS[at];
  if (view) return turned(state, view);
  const act = LETTERS[key.char ?? ''];
  return act ? act(state) : only(state);
}

const LETTERS: Readonly<Record<string, (state: State) => Step>> = {
  q: (state) => ({ state, effects: [{ do: 'quit' }] }),
  j: (state) => special(state, { name: 'down' }),
  k: (state) => special(state, { name: 'up' }),
  h: (state) => special(state, { name: 'left' }),
  g: (state) => special(state, { name: 'home' }),
  G: (state) => special(state, { name: 'end' }),
  ' ': (state) => special(state, { name: 'pagedown' }),
  '?': (state) => only({ ...state, mode: { is: 'help', top: 0 } }),
  ':': (state) => only({ ...state, mode: { is: 'commands' } }),
  '/': filter,
  w: why,
  l: (state) => opened(state, 'log', chosen(state)?.log, 'this has no log; jobs and runs have one'),
  r: retry,
  R: retryAll,
  p: pause,
};

function special(state: State, { name }: Key): Step {
  if (name === 'enter') return enter(state);
  if (name === 'escape' || name === 'left') return back(state, name === 'left');
  if (name === 'tab' || name === 'right') return beside(state, 1);
  if (name === 'backtab') return beside(state, -1);
  const next = moved(state, name);
  return front(next).most > front(state).most ? look(next) : only(next);
}

/** Goes back to the page from which this page was opened; in a view, clears the filter. */
function back(state: State, turn: boolean): Step {
  const [view, ...others] = state.pages;
  if (others.length > 0) return look({ ...state, pages: [view, ...others.slice(0, -1)] });
  if (turn) return beside(state, -1);
  return view.words === '' ? only(state) : look(filtered(state, ''));
}

function beside(state: State, step: number): Step {
  const [{ name }] = state.pages;
  const at = isView(name) ? LIVE_VIEWS.indexOf(name) : 0;
  return turned(state, nth(LIVE_VIEWS, (at + step + LIVE_VIEWS.length) % LIVE_VIEWS.length));
}

function turned(state: State, view: LiveView): Step {
  if (state.pages.length === 1 && front(state).name === view) return only(state);
  const page = newPage(state.next, view, state.filters[view] ?? '');
  return look({ ...state, pages: [page], next: state.next + 1 });
}

function opened(state: State, name: PageName, words: string | undefined, none: string): Step {
  if (words === undefined) return say(state, none);
  const page = front(state);
  if (page.name === name && page.words === words) return only(state);
  const of = chosen(state);
  const next = newPage(state.next, name, words, of);
  return look({ ...state, pages: [...state.pages, next], next: state.next + 1 });
}

function enter(state: State): Step {
  const item = chosen(state);
  if (!item) return only(state);
  if (item.next !== undefined) return follow(state, item.next);
  if (item.show !== undefined) return opened(state, 'show', item.show, '');
  return opened(state, 'why', item.why, 'there is nothing to show');
}

function why(state: State): Step {
  const item = chosen(state);
  if (item?.why === undefined) return opened(state, 'reasons', '--all', '');
  return opened(state, 'why', item.why, '');
}

/** Does what an advised command does. A command that the screen does not have is shown, to be typed in a shell. */
function follow(state: State, line: string): Step {
  const command = line.split(/; (?=dflow )/)[0] ?? line;
  const [program, verb = '', ...words] = typedWords(`dflow ${command} `).words;
  const [there] = words;
  if (program !== 'dflow') return say(state, `type it elsewhere: ${line}`);
  if (verb === 'why')
    return there && there !== '--all' ? opened(state, 'why', there, '') : opened(state, 'reasons', '--all', '');
  if (verb === 'show' && there) return opened(state, 'show', there, '');
  if (verb === 'log' && there && words.length === 1) return opened(state, 'log', there, '');
  if (verb === 'retry' || (verb === 'resume' && there))
    return preview(state, { verb, words: words.filter((word) => word !== '-n' && word !== '--dry-run') });
  const view = verb === 'list' ? LIVE_VIEWS.find((one) => isList(one) && LISTED[one] === there) : undefined;
  if (view) return look(filtered(turned(state, view).state, command.replace(/^dflow list \S+\s*/, '')));
  return say(state, `type it elsewhere: ${command}`);
}

function filter(state: State): Step {
  const { name, words } = state.pages[0];
  if (state.pages.length > 1) return say(state, 'Esc goes back to the list, which / filters');
  if (name === 'status') return say(state, 'status shows the whole experiment; the other views have a filter');
  return only({ ...state, mode: { is: 'filter', text: words } });
}

/** The view with another filter, as a new page without content. */
function filtered(state: State, text: string): State {
  const [view] = state.pages;
  if (!isView(view.name)) return state;
  const page = { ...newPage(state.next, view.name, text), before: view.words };
  return { ...browsing(state), pages: [page], filters: { ...state.filters, [view.name]: text }, next: state.next + 1 };
}

type Typing = Extract<State['mode'], { is: 'filter' | 'why' | 'until' }>;

function type(state: State, mode: Typing, { name, char }: Key): Step {
  const text = mode.text;
  const typed = (next: string): Step => only({ ...state, mode: { ...mode, text: next } });
  if (name === 'char') return typed(text + (char ?? ''));
  if (name === 'backspace') return typed(text.slice(0, -1));
  if (name === 'erase') return typed('');
  if (name === 'escape') return only(browsing(state));
  if (name !== 'enter') return only(state);
  if (mode.is === 'filter') return look(filtered(state, text.trim()));
  if (mode.is === 'until') {
    const end = text.trim() === '' ? [] : ['--for', text.trim()];
    return preview(state, { verb: 'pause', words: [...mode.scope, '--why', mode.why, ...end] });
  }
  if (text.trim() === '') return say(state, 'a reason is required: it is shown with the hold', true);
  return only({ ...state, mode: { is: 'until', scope: mode.scope, why: text.trim(), text: '' } });
}

function preview(state: State, action: Action): Step {
  return { state: { ...state, mode: { is: 'busy', action, doing: false } }, effects: [{ do: 'preview', action }] };
}

function retry(state: State): Step {
  const item = chosen(state);
  if (item?.resume !== undefined) return preview(state, { verb: 'resume', words: [item.resume] });
  if (item?.retry === undefined) return say(state, 'only runs and jobs are retried; a hold is ended');
  return preview(state, { verb: 'retry', words: [item.retry] });
}

/** Retries every job that the filter of the view jobs selects. */
function retryAll(state: State): Step {
  const { name, words } = state.pages[0];
  if (name !== 'jobs' || state.pages.length > 1 || words === '')
    return say(state, 'R retries all jobs that a filter of the view jobs selects');
  return preview(state, { verb: 'retry', words: typedWords(`dflow ${words} `).words });
}

function pause(state: State): Step {
  const item: LiveItem | undefined = chosen(state);
  if (item?.pause === undefined) return say(state, 'runs, jobs, farms and storage elements can be paused');
  return only({ ...state, mode: { is: 'why', scope: item.pause, text: '' } });
}

type Asked = Extract<State['mode'], { is: 'question' }>;

function answer(state: State, mode: Asked, { name, char }: Key): Step {
  const scroll = SCROLLS[name];
  if (scroll !== undefined) {
    const most = Math.max(0, mode.lines.length - bodyRows(state));
    return only({ ...state, mode: { ...mode, top: Math.max(0, Math.min(most, mode.top + scroll)) } });
  }
  const { action } = mode;
  if (char === 'y' || char === 'Y')
    return { state: { ...state, mode: { is: 'busy', action, doing: true } }, effects: [{ do: 'act', action }] };
  if (char === 'n' || char === 'N' || char === 'q' || name === 'escape')
    return say(browsing(state), 'nothing was done');
  return only(state);
}

const SCROLLS: Readonly<Partial<Record<Key['name'], number>>> = { up: -1, down: 1, pageup: -10, pagedown: 10 };

/** Asks whether to do what a dry run has shown. A dry run without changes becomes a message. */
export function asked(state: State, action: Action, lines: readonly string[], changes: number): State {
  if (state.mode.is !== 'busy') return state;
  if (changes === 0)
    return {
      ...browsing(state),
      message: { text: lines.length === 0 ? 'nothing to do' : together(lines), bad: false },
    };
  return shown({ ...state, mode: { is: 'question', action, lines, top: 0 } });
}

/** Some lines as one, without colours. */
export function together(lines: readonly string[]): string {
  return stripVTControlCharacters(lines.join(' ')).replace(/\s+/g, ' ');
}

/** Shows the message of a change that was made or has failed, and looks again. */
export function done(state: State, text: string, bad: boolean): Step {
  return look({ ...browsing(state), message: { text, bad } });
}

/** Gives a filter that cannot be read back to be corrected, over the view with its filter before. */
export function refused(state: State, id: number, text: string): Step | undefined {
  const page = front(state);
  if (page.id !== id || !isView(page.name) || page.words === '') return undefined;
  const view = filtered(state, page.before ?? '');
  return look({ ...view, mode: { is: 'filter', text: page.words }, message: { text, bad: true } });
}
