// The list of things that need attention, from one snapshot.

import type { ModelView } from '../bindings/ModelView';
import type { Snapshot } from '../bindings/Snapshot';
import type { WorkerView } from '../bindings/WorkerView';
import { since } from '../shared/format';

export type AttentionItem =
  | { kind: 'not_ready' | 'gone' | 'error'; worker: WorkerView }
  | { kind: 'queue'; model: ModelView }
  | { kind: 'draining' }
  | { kind: 'problem'; what: string };

/** Seconds after which an error is no longer listed. */
const FRESH_S = 600;

/** Sorted by severity. `now` is in Unix milliseconds on the server's clock. */
export function attentionItems(state: Snapshot, now: number): AttentionItem[] {
  const fresh = (worker: WorkerView) => (since(worker.last_error_at, now) ?? Infinity) < FRESH_S;
  const withStatus = (status: WorkerView['status']) =>
    state.workers.filter((worker) => worker.status === status);
  return [
    ...state.server.problems.map((what) => ({ kind: 'problem', what }) as const),
    ...(state.server.state === 'draining' ? [{ kind: 'draining' } as const] : []),
    ...withStatus('not_ready').map((worker) => ({ kind: 'not_ready', worker }) as const),
    ...withStatus('gone').map((worker) => ({ kind: 'gone', worker }) as const),
    ...state.workers
      .filter((worker) => worker.status !== 'gone' && worker.status !== 'not_ready' && fresh(worker))
      .map((worker) => ({ kind: 'error', worker }) as const),
    ...state.models
      .filter((model) => model.queue_len > 0)
      .map((model) => ({ kind: 'queue', model }) as const),
  ];
}
