// Keys about jobs: farms, which jobs are made, where they go, and what follows when they fail.
import * as z from 'zod/mini';
import { anyText, count, duration, factor, name, oneOrMany, positive, runRange, share, text } from '../values.ts';
import { key, needed, section } from './key.ts';

export const env = z.record(text, anyText);

export const farm = z.strictObject({
  backend: key(name, 'Batch system: local, slurm, htcondor or ganga.', { example: 'slurm', default: 'local' }),
  slots: key(positive, 'Most jobs that run (local), or that the batch system holds, at the same time.', {
    example: '500',
    without: 'the number of cores of this host',
  }),
  pending: key(count, 'Jobs that are submitted ahead of free slots.', { example: '50', default: '200' }),
  output: key(name, 'Storage element that outputs are written to.', {
    example: 'sfu',
    without: 'the first that is not tape',
  }),
  failover: key(oneOrMany(name), 'Storage elements that outputs are written to when output fails, in order.', {
    example: '[ral]',
    default: '[]',
  }),
  reads: key(oneOrMany(name), 'Storage elements whose files jobs of this farm can read, the nearest first.', {
    example: '[sfu, ral]',
    without: 'every one that is not tape, mounted folders first',
  }),
  setup: key(z.record(text, anyText), 'Shell text that sets up the software, by version. It runs before each job.', {
    example: '{7.0.8: source /cvmfs/snoplus/7.0.8/env.sh}',
    default: '{}',
  }),
  versions: key(oneOrMany(text), 'Software versions that are installed at the farm; it gets no job of another one.', {
    example: '[7.0.8, 7.0.9]',
    without: 'the versions of setup, or every version',
  }),
  env: key(env, 'Environment variables of every job at the farm.', { example: '{SCRATCH: /scratch}', default: '{}' }),
  options: key(z.record(z.string(), z.unknown()), 'Settings of the batch system; docs/systems.md lists them.', {
    example: '{spool: /shared/dflow, partition: long}',
    default: '{}',
  }),
});

export const rule = z.strictObject({
  cause: needed(name, 'Name of the failure, which status, why and --cause show.', 'licence-lost'),
  exit: key(oneOrMany(count), 'Exit codes of the job that the rule is about.', { example: '[3, 4]', without: 'any' }),
  signal: key(oneOrMany(count), 'Signals that ended the job.', { example: '11', without: 'any' }),
  phase: key(name, 'Phase that failed: submit, setup, stage-in, payload, outputs, stage-out, killed, verify or lost.', {
    example: 'stage-in',
    without: 'any',
  }),
  text: key(text, 'Regular expression that the reason or the end of the log must match.', {
    example: "'licence server .* not responding'",
    without: 'any text',
  }),
  action: needed(
    z.enum(['retry', 'later', 'more', 'fail', 'hold']),
    'retry: again now; later: again after wait; more: again with more memory or time; fail: no more; hold: wait for a person.',
    'later',
  ),
  of: key(z.enum(['memory', 'time']), 'What action more gives more of.', {
    example: 'memory',
    without: 'required with action more',
  }),
  factor: key(factor, 'How many times as much action more gives.', { example: '1.5', default: '2' }),
  ceiling: key(text, 'Most that action more gives: a size, or a duration.', {
    example: '16 GB',
    without: 'four times what the module says',
  }),
  wait: key(duration, 'Time before action later tries again; it doubles with each failure, up to 24 h.', {
    example: '10 min',
    default: '10 min',
  }),
  tries: key(positive, 'Failures after which the job fails for good.', {
    example: '5',
    without: 'tries of the module',
  }),
});

export const route = z.strictObject({
  module: key(text, 'Modules that the rule is about; * matches any text.', {
    example: 'Analysis*',
    without: 'every one',
  }),
  version: key(text, 'Versions that the rule is about; * matches any text.', {
    example: '7.0.*',
    without: 'every one',
  }),
  runs: key(oneOrMany(runRange), 'Runs that the rule is about.', { example: '[109100-109200]', without: 'every run' }),
  label: key(text, 'Label of the passes that the rule is about.', { example: 'gold', without: 'any' }),
  work: key(
    z.enum(['automatic', 'request']),
    'Kind of work that the rule is about: passes that every run gets, or those of requests.',
    {
      example: 'request',
      without: 'both',
    },
  ),
  farm: needed(oneOrMany(name), 'Farms that these jobs may run at; no other one gets them.', '[cedar, laptop]'),
});

export const automatic = section(
  z.strictObject({
    version: key(text, 'Software version of the jobs that are made without being asked for.', {
      example: '7.0.8',
      without: 'the only module file; with several, no job is made',
    }),
    level: key(name, 'Level of raw data that automatic jobs read.', {
      example: 'L2',
      without: 'the level of the first buffer',
    }),
    from: key(count, 'First run for which jobs are made.', { example: '109000', default: '0' }),
    until: key(count, 'Last run for which jobs are made; later ones are made by requests.', {
      example: '119999',
      without: 'every later run gets jobs',
    }),
    share: key(share, 'Share of free slots for automatic jobs; the rest is for requests. Unused shares are lent.', {
      example: '50%',
      default: '70%',
    }),
  }),
  'Jobs that every complete run gets without being asked for.',
);

export const siteFault = section(
  z.strictObject({
    share: key(share, 'Share of failures with one cause among recent attempts that holds a module at a farm.', {
      example: '80%',
      default: '50%',
    }),
    minimum: key(positive, 'Fewest such failures.', { example: '20', default: '10' }),
    window: key(duration, 'Time for which an attempt counts as recent.', { example: '2 h', default: '1 h' }),
    hold: key(duration, 'Time for which the module is held there.', { example: '6 h', default: '1 h' }),
  }),
  'When a module is held at a farm, because most attempts there fail with one cause.',
);

export const limits = section(
  z.strictObject({
    grace: key(duration, 'Time between two looks that must both miss a job before it counts as lost.', {
      example: '5 min',
      default: '1 min',
    }),
    submitting: key(
      duration,
      'Time after which a job that submit claimed, but did not record, goes back to the queue.',
      {
        example: '10 min',
        default: '5 min',
      },
    ),
    giveUp: key(duration, 'Silence of a farm after which its jobs go back to the queue.', {
      example: '24 h',
      default: '48 h',
    }),
    stale: key(duration, 'Age at which a heartbeat or a lease no longer counts.', {
      example: '1 h',
      default: '30 min',
    }),
    vanish: key(share, 'Share of a farm whose jobs vanish at once that is a fault of the farm: no job is given up.', {
      example: '50%',
      default: '20%',
    }),
  }),
  'How long dflow waits before it gives something up.',
);

export const credentials = section(
  z.strictObject({
    check: key(text, 'Command that prints the seconds for which the credentials of this host are valid.', {
      example: 'voms-proxy-info -timeleft',
      without: 'only token is looked at',
    }),
    token: key(text, 'File with a bearer token, or the variable that names it.', {
      example: '$BEARER_TOKEN_FILE',
      without: 'no token',
    }),
    renew: key(text, 'Command that gets new credentials. It runs once when they have expired.', {
      example: './renew.sh',
      without: 'a person renews them',
    }),
    warn: key(duration, 'Time left below which status and notify warn.', { example: '12 h', default: '3 h' }),
  }),
  'Grid credentials, which are checked before anything is copied or submitted.',
);
