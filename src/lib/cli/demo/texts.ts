// The files of the demo experiment that a person would write: configuration, module file, run tables.
import type { MadeRun } from './runs.ts';
import { madeMask } from './runs.ts';

export const CONFIG = `# A small experiment: one buffer, three storage elements (folders here), one farm (this machine).
experiment: snoplus-demo
buffer:
  level: L1
  path: ./raw/l1
  pattern: 'SNOP_{run:10}_{subrun:3}.zdab'
  closed: marker                  # the builder writes NAME_closed beside a finished file
storage:                          # the first is the primary
  sfu: ./storage/sfu
  fnal: ./storage/fnal
  ral: ./storage/ral
copies: {raw: 3}
tables: {required: [RUN]}         # a run without its run table is not processed
farms:
  laptop: {backend: local}        # as many jobs at once as there are cores
policy:
  - {cause: damaged-file, exit: 2, text: 'offset [0-9]+', action: fail}
`;

export const MODULES = `# The modules of software version 7.0.8 (the file's name is the version).
modules:
  Processing:                     # one job per subrun: raw file -> one JSON line per event
    run: node ./processing.mjs "$@" "$OUT_ratds"
    outputs: {ratds: ratds.jsonl}
    time: 5 min
  Analysis40:                     # one job per run: events with nhit >= 40, and their histogram
    needs: Processing
    level: run
    run: node ./analysis40.mjs "$@" "$OUT_hist" "$OUT_text"
    outputs: {hist: hist.json, text: hist.txt}
    time: 5 min
runTypes:
  Physics: [Processing, Analysis40]
  Deployed Source: [Processing, Analysis40]
  ECA: [Processing]
  Maintenance: []
  Transition: []
`;

/** A RUN table as RATDB has it. */
export function runTable(run: MadeRun): string {
  return `// Made by the first pass, nearline.
{
name: "RUN",
index: "",
run_range: [${run.run}, ${run.run}],
pass: 0,
runtype: ${madeMask(run)}, // ${run.types.join(', ')}
subruns: ${run.subruns},
livetime: 3600.0d0,
}
`;
}
