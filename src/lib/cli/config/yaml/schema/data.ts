// Keys about raw files: the buffer, storage elements, copies, and runs.
import * as z from 'zod/mini';
import { count, duration, name, oneOrMany, positive, rate, share, text } from '../values.ts';
import { key, needed, section } from './key.ts';

const options = z.record(z.string(), z.unknown());

export const buffer = z.strictObject({
  path: needed(text, 'Folder with the raw files, on the hosts that register and transfer.', '/raid/data/l1'),
  pattern: needed(
    text,
    'How file names are read. {run} and {subrun} are numbers, {run:10} has ten digits, {*} is any text.',
    "'SNOP_{run:10}_{subrun:3}.zdab'",
  ),
  level: key(name, 'Name of this kind of raw data. Two buffers have two levels.', { example: 'L2', default: 'L1' }),
  closed: key(
    z.enum(['marker', 'settled']),
    'How a finished file is known: an empty file NAME_closed beside it, or two looks that find it unchanged.',
    { example: 'marker', default: 'settled' },
  ),
  settle: key(duration, 'Time between the two looks of closed: settled.', { example: '5 min', default: '1 min' }),
  ignore: key(oneOrMany(text), 'Names of files that are never looked at; * matches any text.', {
    example: "['*.tmp', '*.log']",
    without: 'every file is looked at',
  }),
  keep: key(share, 'Share of the runs whose raw files are copied and kept. The run number decides which.', {
    example: '10%',
    default: '100%',
  }),
  format: key(z.enum(['zdab']), 'Format whose run number and run type are read from the file itself.', {
    example: 'zdab',
    without: 'zdab where the pattern ends in .zdab, else only the name is read',
  }),
});

export const storage = z.strictObject({
  protocol: key(name, 'How files are copied: posix, xrootd, gfal, webdav or s3.', {
    example: 'xrootd',
    without: 'the scheme of the url decides; a plain path is posix',
  }),
  url: needed(text, 'Folder, or address of the server with the folder.', 'root://se.example.org//snoplus'),
  tape: key(z.boolean(), 'Whether files lie on tape. Such copies are read last, and jobs read elsewhere by default.', {
    example: 'true',
    default: 'false',
  }),
  template: key(text, 'Path of a raw file below the url. {run/1000} is the run divided by 1000.', {
    example: "'{level}/r{run/1000}/{run:10}/{name}'",
    default: "'{level}/{run/1000}/{name}'",
  }),
  options: key(options, 'Settings of the protocol; docs/storage.md lists them.', {
    example: '{mounted: true}',
    default: '{}',
  }),
});

export const output = z.strictObject({
  module: key(name, 'Module whose outputs the rule is about.', { example: 'Analysis40', without: 'every module' }),
  type: key(name, 'Type of output that the rule is about.', { example: 'ntuple', without: 'every type' }),
  to: needed(oneOrMany(name), 'Storage elements that get a copy.', '[sfu, ral]'),
  keep: key(z.boolean(), 'Whether copies at other storage elements stay. false moves the files.', {
    example: 'false',
    default: 'true',
  }),
});

export const copies = section(
  z.strictObject({
    raw: key(positive, 'Number of storage elements that each raw file is copied to.', {
      example: '3',
      without: 'purgeAfter, or 1',
    }),
    purgeAfter: key(positive, 'Number of verified copies after which purge may delete the raw file.', {
      example: '2',
      without: 'the same as raw',
    }),
  }),
  'How many copies raw files have.',
);

export const runs = section(
  z.strictObject({
    quiet: key(duration, 'Time without a new file after which the last run counts as complete.', {
      example: '1 h',
      default: '10 min',
    }),
    maxJump: key(positive, 'A run that is further than this beyond the last one goes to the quarantine.', {
      example: '1000',
      default: '10000',
    }),
    first: key(count, 'Lowest run number; a file of an earlier run goes to the quarantine.', {
      example: '100000',
      default: '0',
    }),
    last: key(count, 'Highest run number; a file of a later run goes to the quarantine.', {
      example: '400000',
      default: '9999999999',
    }),
    late: key(
      z.enum(['show', 'pass']),
      'What follows when a file of a processed run arrives late: show it, or make a new pass.',
      {
        example: 'pass',
        default: 'show',
      },
    ),
    endMarker: key(text, 'Name of the file that the detector writes when a run has ended, as a pattern.', {
      example: "'run{run:10}.end'",
      without: 'a later run, or runs.quiet, ends a run',
    }),
    types: key(z.array(text), 'Names of the run types, by the bit of the run type mask.', {
      example: '[maintenance, transition, physics]',
      without: 'the run types of SNO+',
    }),
    calibration: key(
      z.array(text),
      'Run types that stop automatic jobs of later runs until somebody types dflow resume.',
      {
        example: '[ECA, PCA]',
        without: 'ECA and PCA',
      },
    ),
  }),
  'What counts as a run, and when a run is complete.',
);

export const transfer = section(
  z.strictObject({
    parallel: key(positive, 'Files of one level that are copied at the same time, on all hosts together.', {
      example: '8',
      default: '4',
    }),
    perStorage: key(positive, 'Files that are copied to one storage element at the same time, on all hosts together.', {
      example: '4',
      default: '8',
    }),
    bandwidth: key(rate, 'Most bytes per second of one transfer command.', {
      example: '200 MB/s',
      without: 'no limit',
    }),
    lease: key(duration, 'Time after which another host takes over a copy whose host is silent.', {
      example: '30 min',
      default: '10 min',
    }),
    retry: key(duration, 'Time before a copy that failed is tried again; it doubles with each failure.', {
      example: '15 min',
      default: '5 min',
    }),
  }),
  'How many files are copied at once.',
);

export const purge = section(
  z.strictObject({
    untilFree: key(share, 'Share of the disk to be free; purge stops when it is.', {
      example: '30%',
      without: 'everything that may be deleted is deleted',
    }),
    reads: key(positive, 'Copies of each file that purge reads byte by byte before it deletes the file.', {
      example: '1',
      without: 'copies.purgeAfter',
    }),
    sampledAfter: key(duration, 'Time after the end of a run before files that buffer.keep left out are deleted.', {
      example: '7 d',
      default: '24 h',
    }),
    trash: key(duration, 'Time that a file stays in the trash before it is deleted.', {
      example: '7 d',
      default: '30 d',
    }),
  }),
  'When raw files are deleted from the buffer.',
);

export const verify = section(
  z.strictObject({
    fault: key(
      share,
      'Share of bad copies from which on the storage element is at fault and no copy is marked as bad.',
      {
        example: '10%',
        default: '30%',
      },
    ),
  }),
  'What checks of copies conclude.',
);

export const breaker = section(
  z.strictObject({
    failures: key(positive, 'Failures in a row after which a storage element is set aside.', {
      example: '5',
      default: '3',
    }),
    aside: key(duration, 'Time for which it is set aside; it doubles up to six hours.', {
      example: '30 min',
      default: '15 min',
    }),
  }),
  'When a storage element that fails is left alone.',
);

export const efficiency = section(
  z.strictObject({
    hours: key(positive, 'Hours in a row below low that raise the alarm.', { example: '6', default: '3' }),
    low: key(share, 'Share of successful copies in an hour below which the hour is bad.', {
      example: '80%',
      default: '90%',
    }),
    meanHours: key(positive, 'Hours over which the mean is taken.', { example: '12', default: '6' }),
    mean: key(share, 'Mean share of successful copies below which the alarm is raised.', {
      example: '50%',
      default: '75%',
    }),
  }),
  'When too many copies to a storage element fail.',
);
