// Keys of a module file.
import * as z from 'zod/mini';
import { MODULE_LEVELS } from '../../../../domain/modules/modules.ts';
import { anyText, duration, memory, name, oneOrMany, positive, text } from '../values.ts';
import { env, rule } from './jobs.ts';
import { key } from './key.ts';

export const moduleDef = z.strictObject({
  run: key(
    text,
    'Shell command of a job. Its arguments "$@" are the inputs, $OUT_TYPE is the file to write. Own scripts are written with ./ in front.',
    { example: './ana.py "$@" "$OUT_ntuple"', without: 'rat {macro}' },
  ),
  macro: key(text, 'Command file whose parameters such as {run} and {outputs.ntuple} are filled in for each job.', {
    example: 'macros/processing.mac',
    without: 'run stands alone',
  }),
  parameters: key(z.record(text, anyText), 'Own parameters: {NAME} in the macro, $DFLOW_PARAM_NAME in the job.', {
    example: '{threshold: 0.5}',
    default: '{}',
  }),
  outputs: key(z.record(text, text), 'Files that a job must write: type, and end of the file name.', {
    example: '{ntuple: ntuple.root}',
    without: 'other_suffix names them',
  }),
  other_suffix: key(oneOrMany(text), 'More outputs, of the type other_ and the first word of the suffix.', {
    example: '[hist.root]',
    default: '[]',
  }),
  needs: key(oneOrMany(name), 'Modules whose pass must be completed first; their outputs are inputs.', {
    example: 'Processing',
    default: '[]',
  }),
  level: key(
    z.enum(MODULE_LEVELS),
    'How many jobs a run has. sub_run: one for each file; run: one for everything; run_zdab: one for all raw files; run_root: one for all ROOT files of needs.',
    { example: 'run', default: 'sub_run' },
  ),
  raw: key(z.boolean(), 'Whether raw files are inputs.', {
    example: 'true',
    without: 'true where the module needs nothing, or its level is run_zdab',
  }),
  inputs: key(
    z.enum(['stream', 'download', 'open']),
    'stream: files of mounted folders are read in place, others are copied first; download: all are copied; open: none, remote ones are URLs.',
    { example: 'download', default: 'stream' },
  ),
  files: key(
    oneOrMany(text),
    'More files that a job finds in its working folder: constants, libraries, scripts that scripts call.',
    {
      example: '[constants.txt, helper.py]',
      default: '[]',
    },
  ),
  time: key(duration, 'Longest run time of a job; it is stopped after that.', {
    example: '12 h',
    without: 'only the limit of the batch system counts',
  }),
  needsTables: key(
    z.boolean(),
    'Whether its passes wait for the run tables (tables.required) and for the first pass.',
    {
      example: 'false',
      default: 'true',
    },
  ),
  cpus: key(positive, 'Cores of a job.', { example: '4', default: '1' }),
  memory: key(memory, 'Memory of a job.', { example: '4 GB', without: 'the default of the batch system' }),
  tries: key(positive, 'Failures after which a job fails for good.', { example: '5', default: '3' }),
  env: key(env, 'Environment variables of the jobs.', { example: '{GEOMETRY: snoplus}', default: '{}' }),
  policy: key(z.array(rule), 'Rules for failures of this module, before those of dflow.yaml.', {
    example: '[{cause: no-licence, exit: 3, action: later}]',
    default: '[]',
  }),
});
