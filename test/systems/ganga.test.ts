// The Ganga backend on a real Ganga: the contract suite, with Ganga's own Local backend and with a real Slurm behind it.
import { backendContract } from '../contracts/backend.ts';
import { gangaWorld } from './ganga-world.ts';
import { up, use } from './slurm-world.ts';

backendContract('ganga (Local)', () => gangaWorld());

backendContract('ganga (Slurm behind it)', () => {
  up('test');
  use('test');
  const settings = ['[Slurm]heartbeat_frequency=0.5'];
  return gangaWorld({ via: 'Slurm', viaOptions: { queue: 'main' }, settings }, false);
});
