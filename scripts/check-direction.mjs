// Keeps the dependencies between our crates as docs/architecture.md draws them, those of tests and build scripts
// included. A new crate needs a line here.

import { execFileSync } from 'node:child_process';

const CRATES = ['llamapool-settings', 'llamapool-tunnel', 'llamapool-telemetry', 'llamapool-update'];
const MAY_KNOW = {
  'llamapool-settings': [],
  'llamapool-tunnel': [],
  'llamapool-telemetry': ['llamapool-settings'],
  'llamapool-update': ['llamapool-settings'],
  'llamapool-worker-core': CRATES,
  'llamapool-worker': [...CRATES, 'llamapool-worker-core'],
  'llamapool-server': [...CRATES, 'llamapool-worker-core'],
  'llamapool-desktop': [...CRATES, 'llamapool-worker-core'],
  'llamapool-e2e': [...CRATES, 'llamapool-worker-core', 'llamapool-server'],
  'llamapool-bench': [...CRATES, 'llamapool-worker-core', 'llamapool-server', 'llamapool-e2e'],
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
