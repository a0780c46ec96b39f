import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vitest/config';

/** As the build does: `.sh`, `.py` and `.mjs` files below src/ are imported as their text. */
const text: Plugin = {
  name: 'text',
  enforce: 'pre',
  load(id) {
    const path = id.split('?')[0] ?? id;
    if (!path.includes('/src/') || !/\.(sh|py|mjs)$/.test(path)) return null;
    return `export default ${JSON.stringify(readFileSync(path, 'utf8'))};`;
  },
};

export default defineConfig({
  plugins: [text],
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: ['test/systems/**', 'node_modules/**'],
    // Ends only what hangs: how fast the machine is decides no test.
    testTimeout: 10 * 60_000,
    hookTimeout: 10 * 60_000,
    pool: 'forks',
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary'], reportOnFailure: true },
    // On a loaded machine a second try tells a slow moment from a fault; it is reported as such.
    retry: process.env.CI ? 1 : 0,
    maxWorkers: 2,
  },
});
