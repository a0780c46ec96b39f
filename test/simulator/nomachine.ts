// A world of its own has no files and no programs of this machine: who asks for one is found out.
import type { Machine } from '../../src/lib/flow/ports.ts';

const none = (): never => {
  throw new Error('the simulator has no such port');
};

export const NO_MACHINE: Machine = {
  files: {
    identity: none,
    realPath: none,
    isFolder: none,
    refuseSame: async () => undefined,
    space: none,
    read: none,
    readPart: none,
    readEnd: none,
    write: none,
    replace: none,
    overwrite: none,
    withScratch: none,
    removeEmptyFolders: none,
  },
  receipts: { make: none, left: async function* () {}, read: none },
  locks: { take: none, takePassing: none },
  processes: { shell: none, shellToFiles: none },
};
