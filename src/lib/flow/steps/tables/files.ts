// The raw files that the jobs of the first pass read.
import type { DataDoc } from '../../../domain/data/data.ts';
import { dataId } from '../../../domain/ids.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { Ports } from '../../ports.ts';

/** The run's files where a command on this host can read them: the buffer, in order of level and subrun. */
export async function filesOf(ports: Ports, doc: RunDoc): Promise<string[]> {
  const levels = Object.keys(doc.levels).sort();
  const found = await ports.store.get<DataDoc>(levels.map((level) => dataId(level, doc.run)));
  const paths: string[] = [];
  for (const level of levels) {
    if (!ports.settings.buffers.some((buffer) => buffer.level === level)) continue;
    const buffer = await ports.buffer(level);
    for (const file of found.get(dataId(level, doc.run))?.files ?? []) {
      const path = file.original.state === 'present' ? buffer.localPath(file.path) : undefined;
      if (path !== undefined) paths.push(path);
    }
  }
  return paths;
}
