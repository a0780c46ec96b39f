// Names of loops on a command line; more may follow (`strict = false`).
import { Args } from '@oclif/core';

export const loopNames = {
  name: Args.string({ description: 'loops (default: all of this host)', ignoreStdin: true }),
};
