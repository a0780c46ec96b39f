// Partitions of Slurm as `scontrol show partition -o` lists them, and whether jobs of a farm can start there. Pure.
import type { BackendAbout } from '../../backend.ts';
import { noSuch } from '../../domain/named.ts';

interface Partition {
  readonly name: string;
  readonly state: string;
  readonly isDefault: boolean;
  readonly nodes: number;
  readonly maxTime: string;
}

export function parsePartitions(text: string): Partition[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('PartitionName='))
    .map((line) => {
      const value = (name: string): string => new RegExp(`\\b${name}=(\\S*)`).exec(line)?.[1] ?? '';
      return {
        name: value('PartitionName'),
        state: value('State'),
        isDefault: value('Default') === 'YES',
        nodes: Number(value('TotalNodes')) || 0,
        maxTime: value('MaxTime'),
      };
    });
}

/** The partition that jobs go to: the one that the farm names, else the default one. */
export function judgePartition(
  partitions: readonly Partition[],
  asked: string | undefined,
): Pick<BackendAbout, 'notes' | 'wrong'> {
  const found = partitions.find(({ name, isDefault }) => (asked === undefined ? isDefault : name === asked));
  const names = partitions.map(({ name }) => name);
  const bad = (text: string, fix: string) => ({ notes: [], wrong: [{ text, fix }] });
  if (!found && asked !== undefined)
    return bad(noSuch('partition', asked, names), 'options: {partition: NAME} of the farm');
  if (!found) return bad('Slurm has no default partition', `options: {partition: ${names[0] ?? 'NAME'}} of the farm`);
  const { name, state, nodes, maxTime } = found;
  if (state !== 'UP')
    return bad(`partition ${name} is ${state}: no job starts`, `scontrol update PartitionName=${name} State=UP`);
  if (nodes === 0) return bad(`partition ${name} has no node`, 'options: {partition: NAME} of the farm');
  return {
    notes: [`partition ${name} is up (${nodes} ${nodes === 1 ? 'node' : 'nodes'}, time limit ${maxTime})`],
    wrong: [],
  };
}
