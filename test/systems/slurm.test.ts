// The Slurm backend on real Slurm, with slurmdbd and without: the contract, and what only Slurm has.
import { backendContract } from '../contracts/backend.ts';
import { makeWorld } from './slurm-world.ts';

backendContract('slurm with slurmdbd', () => makeWorld('test'));
backendContract('slurm without accounting', () => makeWorld('nodbd'));
