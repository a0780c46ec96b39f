// Files at a storage element that the catalogue does not know: which of them are ours, and what they are. Pure. What is
// not ours by its path is somebody else's and none of our business.
import { isGonePath } from '../data/gone.ts';
import { parseJobId } from '../ids.ts';

/** What an uncatalogued file of ours is. */
export type Dark =
  /** Left by an attempt to copy a raw file. */
  | { readonly is: 'partial' }
  /** Left by a deletion that was stopped between its steps. */
  | { readonly is: 'leaving' }
  /** Left by a call that was killed while it told two places apart. */
  | { readonly is: 'probe' }
  /** Output of an execution that was not published: another attempt was, or none yet. */
  | { readonly is: 'unpublished'; readonly job: string; readonly execution: string }
  | { readonly is: 'dark' };

/** Tells what a path is; `undefined`: not ours. */
export type Classify = (path: string) => Dark | undefined;

const PROBE = /(^|\/)\.probe\.dflow-\d+-[a-z0-9]+$/;
const PARTIAL = /(^|\/)\.[^/]*\.dflow-\d+-[a-z0-9]+$/;
const OUTPUT = /^outputs\/([^/]+)\/(\d{10})\/p(\d{3,})\/([^/]+)\/[^/]+$/;

/** `template` is that of the storage element; `levels` those that are configured. */
export function classifier(template: string, levels: readonly string[]): Classify {
  const raw = new RegExp(`^${regexOf(template, levels)}$`, 's');
  return (path) => {
    const output = OUTPUT.exec(path);
    if (isGonePath(path)) return output || raw.test(path) ? { is: 'leaving' } : undefined;
    if (PROBE.test(path)) return output || raw.test(path) ? { is: 'probe' } : undefined;
    if (output) {
      const [, module = '', run = '', pass = '', execution = ''] = output;
      const job = `job:${run}:${module}:${pass}`;
      return parseJobId(job) ? { is: 'unpublished', job, execution } : { is: 'dark' };
    }
    const partial = PARTIAL.test(path) && raw.test(path);
    return partial ? { is: 'partial' } : raw.test(path) ? { is: 'dark' } : undefined;
  };
}

function regexOf(template: string, levels: readonly string[]): string {
  return template
    .split(/(\{[^{}]*\})/)
    .map((part) => {
      const field = /^\{([A-Za-z]+)/.exec(part)?.[1];
      if (field === undefined) return escaped(part);
      if (field === 'level') return `(?:${levels.map(escaped).join('|')})`;
      return field === 'name' ? '[^/]+' : '\\d+';
    })
    .join('');
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
