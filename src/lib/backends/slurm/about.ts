const install = "load Slurm's environment: its commands must be on PATH";
const version = '"$1" --version';
export const about = {
  tools: ['sbatch', 'squeue', 'scontrol', 'scancel', 'sacct'].map((program) => ({ program, version, install })),
} as const;
