// Loaded before a program (`node --require`): writes what the process has used, when it ends, into BENCH_USAGE.
const { writeFileSync } = require('node:fs');

const path = process.env.BENCH_USAGE;
// Its children are not measured, and must not write over it.
delete process.env.BENCH_USAGE;
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(path, JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1e6, mib: maxRSS / 1024 }));
});
