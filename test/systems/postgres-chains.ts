// A PostgreSQL server for the chains of a test file, and what they shall make.
import { afterAll, beforeAll } from 'vitest';
import { calm, removeExperiments } from '../support/chainon.ts';
import { Postgres } from './postgres-world.ts';

/** Whole chains, on a machine that may be slow. */
export const LONG = { timeout: 15 * 60_000 };

interface Chains {
  readonly server: Postgres;
  /** What the chain makes on SQLite. */
  readonly expected: ReturnType<typeof calm>;
}

/** Filled before the tests of the file. */
export function chainsOnPostgres(): Chains {
  const chains = {} as { -readonly [K in keyof Chains]: Chains[K] };
  beforeAll(async () => {
    chains.server = await Postgres.start();
    chains.expected = calm();
  }, LONG.timeout);
  afterAll(() => {
    removeExperiments();
    chains.server?.remove();
  });
  return chains;
}
