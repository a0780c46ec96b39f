#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import module from 'node:module';

// `dflow --version` is what monitoring asks most: answer it without loading anything.
if (process.argv.length === 3 && process.argv[2] === '--version') {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.on('error', () => {
    process.exitCode = 1;
  });
  process.stdout.write(`dflow/${version} ${process.platform}-${process.arch} node-${process.version}\n`);
} else if (process.argv[2] === 'complete') {
  // A shell asks at each press of TAB.
  module.enableCompileCache?.();
  const { complete } = await import('../dist/complete.js');
  await complete(import.meta.url, process.argv.slice(3));
} else {
  module.enableCompileCache?.();
  // oclif would load all of semver, 10 ms, to look for a package.json that a bundle does not have where it looks.
  process.env.OCLIF_DISABLE_ENGINE_WARNING = '1';
  const { main } = await import('../dist/main.js');
  delete process.env.OCLIF_DISABLE_ENGINE_WARNING;
  await main(import.meta.url);
}
