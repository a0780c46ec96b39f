// How long a command waits for loops to end.
import { Flags } from '@oclif/core';

export const patience = {
  timeout: Flags.string({ description: 'how long to wait for each loop', default: '5m', helpValue: '5m' }),
};
