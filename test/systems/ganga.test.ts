// The Ganga backend on a real Ganga: the contract suite.
import { backendContract } from '../contracts/backend.ts';
import { gangaWorld } from './ganga-world.ts';

backendContract('ganga (Local)', () => gangaWorld());
