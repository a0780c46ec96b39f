// The holds that a word means to a person: a hold's own name, or what it covers: a farm, a storage element, a run, a
// module, a version, a request. Pure.
import { globMatch, type HoldDoc } from './hold.ts';
import { holdId } from './ids.ts';

/** Open holds that the word names, best reading first: an id names one, a name all that cover it. */
export function holdsNamed(open: readonly HoldDoc[], word: string): readonly HoldDoc[] {
  const exact = open.filter(({ _id }) => _id === word || _id === holdId(word));
  if (exact.length > 0) return exact;
  const run = /^\d{1,10}$/.test(word) ? Number(word) : undefined;
  return open.filter((hold) => (run !== undefined && ofRun(hold, run)) || ofName(hold, word));
}

/** A calibration run holds what comes after it; any other hold covers the run itself. */
function ofRun({ what, scope }: HoldDoc, run: number): boolean {
  if (what === 'calibration') return scope.runs?.some(([first]) => first === run + 1) ?? false;
  return scope.runs?.some(([first, last]) => run >= first && run <= last) ?? false;
}

function ofName({ scope }: HoldDoc, word: string): boolean {
  const { sites, storages, modules, versions, requests, labels, levels } = scope;
  const lists = [sites, storages, modules, versions, requests, labels, levels];
  return lists.some((names) => names?.some((pattern) => pattern !== '*' && globMatch(pattern, word)));
}
