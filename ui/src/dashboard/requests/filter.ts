// Filters of the requests page.

import type { EndedAs } from '../../bindings/EndedAs';
import type { WorkerView } from '../../bindings/WorkerView';

export type OutcomeFilter = 'all' | 'bad' | EndedAs;

interface Named {
  id: string;
  path: string;
  model: string | null;
  worker: string | null;
}

/** The name of the worker with this ID, or the ID if the worker is unknown. */
export function workerName(workers: WorkerView[], id: string | null): string | null {
  return workers.find((worker) => worker.id === id)?.name || id;
}

/** Whether every word of `filter` is in the request. */
export function matches(request: Named, filter: string, worker: string | null): boolean {
  const text = [request.id, request.path, request.model, worker].join(' ').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export function outcomeMatches(outcome: EndedAs, wanted: OutcomeFilter): boolean {
  return wanted === 'all' || (wanted === 'bad' ? outcome !== 'done' : outcome === wanted);
}
