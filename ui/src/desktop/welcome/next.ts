// Whether a step has everything it needs to continue. Skipping is always possible.

import type { FirstRun } from '../firstrun.svelte';

export function canContinue(run: FirstRun): boolean {
  if (run.step === 'server') return run.trial !== null || (run.arrived && !run.trying);
  if (run.step === 'models') return !run.looking;
  return true;
}
