// The HTCondor backend on real HTCondor: the contract, with a shared folder and with HTCondor's own file transfer.
import { backendContract } from '../contracts/backend.ts';
import { makeWorld } from './condor-world.ts';

backendContract('htcondor with a shared folder', () => makeWorld());
backendContract('htcondor with file transfer', () => makeWorld({ transfer: true }));
