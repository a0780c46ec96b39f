// Hosts of the configuration and the loops that each of them runs.
import { type ChainStep, commandOf, type HostPlan, LOOP_NAMES, type PlannedLoop } from '../../domain/farms/hostplan.ts';
import { noSuch } from '../../domain/named.ts';
import { given } from '../../util/values/given.ts';
import { LOOPS } from './defaults.ts';
import type { Finding } from './findings/finding.ts';
import type { RawConfig } from './yaml/schema.ts';

type RawHost = NonNullable<RawConfig['hosts']>[string];
type RawLoop = NonNullable<Exclude<RawHost['loops'], readonly string[] | undefined>[string]>;

export function hostPlans(raw: RawConfig): HostPlan[] {
  return Object.entries(raw.hosts ?? {}).map(([pattern, host]) => ({
    pattern,
    ...given({ farm: host.farm }),
    loops: said(raw, host).map(([name, loop]) => planned(name, loop)),
  }));
}

/** Steps of a host that says nothing: a catalogue is told only where one is configured. */
export function loopsOf(raw: RawConfig): ChainStep[] {
  return LOOPS.filter((step) => step !== 'catalogue' || raw.catalogue !== undefined);
}

/** A list of names, or names with what they say; without either the loops of every host. */
function said(raw: RawConfig, { loops = loopsOf(raw) }: RawHost): [string, RawLoop | null][] {
  return Array.isArray(loops) ? loops.map((name) => [name, null]) : Object.entries(loops);
}

function planned(name: string, loop: RawLoop | null): PlannedLoop {
  const { run, on = true, ...more } = loop ?? {};
  return { name, run: run === undefined ? (commandOf(name) ?? []) : words(run), on, ...given(more) };
}

/** `submit --order newest`, or a list of words for those with blanks in them. */
function words(run: string | readonly string[]): readonly string[] {
  const list = typeof run === 'string' ? run.split(/\s+/) : run;
  return list[0] === 'dflow' ? list.slice(1) : list;
}

/** Loops that do not say what they run, and names that appear twice. */
export function hostFindings(raw: RawConfig): Finding[] {
  return Object.entries(raw.hosts ?? {}).flatMap(([pattern, host]) => {
    const names = said(raw, host).map(([name]) => name);
    return said(raw, host).flatMap(([name, loop], at): Finding[] => {
      const path = ['hosts', pattern, 'loops', Array.isArray(host.loops) ? at : name];
      if (names.indexOf(name) !== at) return [{ path, message: `loop '${name}' appears twice` }];
      if (loop?.run !== undefined || commandOf(name)) return [];
      return [{ path, message: noSuch('loop', name, LOOP_NAMES), hint: `or say what it runs: ${name}: {run: submit}` }];
    });
  });
}
