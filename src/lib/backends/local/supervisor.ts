// Entry of the detached process that runs the local backend's jobs: `node supervisor.js SPOOL`. It ends when idle.
import { Loop } from './loop.ts';
import { Spool } from './spool.ts';

const folder = process.argv[2];
if (!folder) {
  process.stderr.write('usage: node supervisor.js SPOOL\n');
  process.exitCode = 2;
} else {
  await new Loop(new Spool(folder)).run();
}
