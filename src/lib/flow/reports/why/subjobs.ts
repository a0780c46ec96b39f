// The subjobs of a pass as gates: how many are done, and for those that are not, where they are and why.
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc, Subjob } from '../../../domain/jobs/job.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';
import type { Iso } from '../../../util/time.ts';

/** One gate for all that is well, one for each distinct reason among the rest. `tooLong`: for being submitted. */
export function subjobGates(job: JobDoc, tooLong: (since: Iso) => boolean): Gate[] {
  const total = job.subjobs.length;
  const done = job.subjobs.filter(({ state }) => state.name === 'completed').length;
  const groups = new Map<string, { subjobs: Subjob[]; gate: Gate }>();
  for (const subjob of job.subjobs) {
    const gate = gateOf(job, subjob, tooLong);
    if (!gate) continue;
    const group = groups.get(gate.text);
    if (group) group.subjobs.push(subjob);
    else groups.set(gate.text, { subjobs: [subjob], gate });
  }
  const rest = [...groups.values()].map(({ subjobs, gate }) => ({
    ...gate,
    text: `${subjobs.length}/${total} ${gate.text}`,
  }));
  return [
    { gate: 'subjobs', ok: done === total || rest.every((gate) => gate.ok), text: `${done}/${total} completed` },
    ...rest,
  ];
}

/** Words of a batch system that say no more than that the job is queued or runs. */
const ORDINARY = /^(pending|idle|queued|submitt(ing|ed)|configuring|running|completing|completed.*)$/i;

/** The batch system has lost sight of it, but the job itself says that it goes on: putting it back would stop it. */
const ALIVE = /\bits heart(?:beat goes on| beats)$/;

function gateOf(job: JobDoc, subjob: Subjob, tooLong: (since: Iso) => boolean): Gate | undefined {
  const { state, wanted, lastFailure } = subjob;
  const ref = refOf(job.run, job.module, job.pass);
  const gate = 'subjob';
  if (wanted) {
    const text = `${state.name}, to be ${wanted.state === 'canceled' ? 'canceled' : 'put back'} (${wanted.by}: ${wanted.why})`;
    return { gate, ok: false, text, since: wanted.at, next: 'dflow monitor' };
  }
  switch (state.name) {
    case 'submitting': {
      const text = `being submitted at ${state.lock.site}`;
      if (!tooLong(state.since)) return { gate, ok: true, text, since: state.since };
      const why = `${text}, but never recorded: it has not run`;
      return { gate, ok: false, text: why, since: state.since, next: `dflow reset --site ${state.lock.site}` };
    }
    case 'submitted':
    case 'running': {
      const said = subjob.raw === undefined || ORDINARY.test(subjob.raw) ? '' : `: ${subjob.raw}`;
      const unseen = subjob.absent ? `, not seen at the batch system since ${subjob.absent}` : '';
      const text = `${state.name} at ${state.lock.site}${said}${unseen}`;
      const well = said === '' || ALIVE.test(said);
      if (well && unseen === '') return { gate, ok: true, text, since: state.since };
      const look = `dflow monitor --site ${state.lock.site}`;
      return { gate, ok: false, text, since: state.since, next: `${look}; dflow reset ${ref}` };
    }
    case 'failed':
    case 'held': {
      const tries = subjob.failures > 0 ? `, ${subjob.failures} ${subjob.failures === 1 ? 'try' : 'tries'}` : '';
      const failure = state.failure;
      const what = failure
        ? `${failure.cause} at ${failure.site}${tries}: ${failure.reason}`
        : state.name === 'held'
          ? state.reason
          : '';
      const until = state.name === 'held' ? (state.until ? `, next try ${state.until}` : ', until it is released') : '';
      const next = failure
        ? `dflow log ${ref}; dflow retry --cause ${failure.cause} -n; dflow retry ${ref}; to give up: dflow cancel ${ref}`
        : `dflow retry ${ref}`;
      return { gate, ok: false, text: `${state.name}: ${what}${until}`, since: state.since, next };
    }
    case 'canceled':
      return {
        gate,
        ok: false,
        text: `canceled: ${state.why}`,
        since: state.since,
        next: `dflow retry ${ref} --state canceled`,
      };
    case 'waiting':
      return subjob.failures > 0
        ? {
            gate,
            ok: true,
            text: `waiting to be tried again after ${subjob.failures} failed tries${lastWords(lastFailure)}`,
          }
        : undefined;
    default:
      return undefined;
  }
}

function lastWords(failure: Subjob['lastFailure']): string {
  return failure ? `, the last one ${failure.cause} at ${failure.site}: ${failure.reason}` : '';
}
