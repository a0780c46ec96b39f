// Module files: every key, what a job sees, and how a module finds its scripts. Made from the schema.
import { moduleJsonSchema } from '../config/yaml/schema.ts';
import { keyParts, keysOf } from './keys.ts';
import type { Page } from './page.ts';

/** Variables of a job, besides those of its farm and its module. A test compares them with what a job gets. */
export const JOB_VARIABLES: readonly (readonly [string, string])[] = [
  ['OUT_TYPE', 'path of the file to write, for each type of `outputs`: $OUT_ntuple'],
  ['DFLOW_EXPERIMENT', 'name of the experiment'],
  ['DFLOW_RUN', 'run number, without zeros in front'],
  ['DFLOW_SUBRUN', 'number of the subrun; 0 where the job is for the whole run'],
  ['DFLOW_PASS', 'number of the pass'],
  ['DFLOW_MODULE', 'name of the module'],
  ['DFLOW_VERSION', 'software version: the name of the module file'],
  ['DFLOW_RUN_TYPES', 'run types with commas between: physics,deployed-source'],
  ['DFLOW_TAG', 'RATDB tag of the pass; absent where it has none'],
  ['DFLOW_PARAM_NAME', 'value of each parameter of the module: $DFLOW_PARAM_threshold'],
  ['DFLOW_EXECUTION', 'unique name of this start of the job'],
];

const EXAMPLE = `modules:
  Count:
    run: wc -c "$@" > "$OUT_counts"
    outputs: {counts: counts.txt}
  Plot:
    needs: Count
    run: ./plot.py "$@" "$OUT_plot"
    outputs: {plot: plot.svg}
    memory: 2 GB
runTypes: {any: [Count, Plot]}`;

export function modulesPage(): Page {
  return {
    title: 'modules/VERSION.yaml: what is made of a run, and what a job sees',
    parts: [
      {
        text: 'Each software version has one file in the folder modules beside dflow.yaml: modules/7.0.8.yaml. `dflow module new VERSION` makes one from another, `dflow module check` finds mistakes, and `dflow module test MODULE --run RUN` runs a module here, as a test.',
      },
      { code: EXAMPLE },
      { heading: 'How a module finds its scripts' },
      {
        text: 'A job runs in an empty scratch folder on a worker node. A script of your own must be written with ./ in front, as in `./plot.py "$@"` or `python ./plot.py "$@"`. dflow looks for the file beside the module file, then beside dflow.yaml, and links it into the scratch folder. A name without ./ is looked for in PATH only; `python plot.py` fails with: can\'t open file. List files that your scripts read or import under `files`.',
      },
      { heading: 'What a job sees' },
      {
        text: 'The inputs are the arguments of the command: "$@". The current folder is a scratch folder, which is removed afterwards. Exit code 0 and every file of `outputs` make the job completed. What it prints is its log: `dflow log REF`.',
      },
      { words: JOB_VARIABLES },
      ...keyParts(keysOf(moduleJsonSchema())),
    ],
  };
}
