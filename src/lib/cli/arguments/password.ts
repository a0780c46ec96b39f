// A new password: from a private file, from standard input, or from a person at a terminal, unseen. Never from argv.
import { UsageError } from '../../util/errors.ts';
import { readRegular } from '../../util/files/readfile.ts';
import { ownError } from '../../util/systemerrors.ts';
import { hide } from '../../util/text/secrets.ts';
import { readInput } from './input.ts';

const LIMIT = 64_000;

/** The first line. @throws UsageError where there is none, or others can read the file */
export async function readPassword(file: string, user: string): Promise<string> {
  const text = file !== '-' ? readPrivate(file) : process.stdin.isTTY ? await asked(user) : await readInput();
  const password = text.split(/\r?\n/, 1)[0] ?? '';
  if (password === '') {
    const where = file === '-' ? 'standard input' : file;
    throw new UsageError(`the password of user '${user}' is empty`, { where, hint: 'write it into the first line' });
  }
  hide(password);
  return password;
}

function readPrivate(file: string): string {
  try {
    const bytes = readRegular(file, LIMIT, ({ mode }) => {
      if ((mode & 0o077) === 0) return;
      throw new UsageError('the password file can be read by others', { where: file, hint: `chmod 600 '${file}'` });
    });
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const own = ownError(error, file);
    throw new UsageError(own instanceof Error ? own.message : 'the password file cannot be read', {
      where: file,
      hint: `ls -l '${file}'`,
      cause: error,
    });
  }
}

/** Keys are taken one by one, so that nothing of them is shown. */
async function asked(user: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(`New password for user '${user}': `);
  stdin.setRawMode(true);
  let typed = '';
  try {
    for await (const piece of stdin) {
      for (const key of String(piece)) {
        if (key === '\r' || key === '\n' || key === '\u0004') return typed;
        if (key === '\u0003') throw new UsageError('Nothing was done.');
        typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : typed + key;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}
