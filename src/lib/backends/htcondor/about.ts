const install = "load HTCondor's environment: its commands must be on PATH";
const names = ['condor_submit', 'condor_q', 'condor_rm', 'condor_release', 'condor_history', 'condor_ping'];
export const about = {
  tools: names.map((program) => ({ program, version: 'condor_version', install })),
} as const;
