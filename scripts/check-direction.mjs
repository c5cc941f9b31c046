// Keeps the dependencies between our crates as docs/architecture.md draws them, those of tests and build scripts
// included. A new crate needs a line here.

import { execFileSync } from 'node:child_process';

const MAY_KNOW = {
  'llamapool-worker-core': [],
  'llamapool-worker': ['llamapool-worker-core'],
  'llamapool-server': ['llamapool-worker-core'],
  'llamapool-desktop': ['llamapool-worker-core'],
  'llamapool-e2e': ['llamapool-worker-core', 'llamapool-server'],
  'llamapool-bench': ['llamapool-worker-core', 'llamapool-server', 'llamapool-e2e'],
};

const metadata = execFileSync('cargo', ['metadata', '--locked', '--no-deps', '--format-version', '1'], {
  maxBuffer: 64 * 1024 * 1024,
});

for (const { name, dependencies } of JSON.parse(metadata).packages) {
  const allowed = MAY_KNOW[name];
  const wrong = allowed
    ? dependencies.filter((other) => other.path && !allowed.includes(other.name)).map((other) => `must not depend on ${other.name}`)
    : ['is new: say in scripts/check-direction.mjs what it may know'];
  for (const what of wrong) console.error(`${name} ${what}`);
  if (wrong.length > 0) process.exitCode = 1;
}
