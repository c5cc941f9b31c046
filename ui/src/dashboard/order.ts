// Sorting and filtering of workers.

import type { ModelView } from '../bindings/ModelView';
import type { WorkerView } from '../bindings/WorkerView';

/** A sortable column. */
export type Column =
  | 'name'
  | 'status'
  | 'load'
  | 'models'
  | 'speed'
  | 'latency'
  | 'done'
  | 'failures'
  | 'backend'
  | 'version'
  | 'arrival';

export interface Order {
  by: Column;
  down: boolean;
}

/** Workers that need attention come first. */
const STATUS_RANK = { not_ready: 0, draining: 1, working: 2, idle: 3, gone: 4 } as const;

const KEYS: Record<Column, (worker: WorkerView) => string | number | null> = {
  name: (worker) => worker.name,
  status: (worker) => STATUS_RANK[worker.status],
  load,
  models: (worker) => worker.models.length,
  speed: (worker) => worker.avg_tokens_per_second || null,
  latency: (worker) => worker.first_byte_p50_ms,
  done: (worker) => worker.processed_total,
  failures: (worker) => worker.failures_total,
  backend: (worker) => worker.backend_family,
  version: (worker) => worker.version,
  arrival: (worker) => worker.connected_at,
};

/** Columns that sort in descending order first. */
const DOWN_FIRST: Column[] = ['load', 'models', 'speed', 'done', 'failures'];

/** The load of a worker. Above 1, requests are queued for it. */
export function load(worker: WorkerView): number {
  if (worker.status === 'gone') return 0;
  return (worker.inflight + worker.queue_len) / Math.max(1, worker.max_concurrency);
}

/** The order after a click on a column header. */
export function turned(order: Order, by: Column): Order {
  return { by, down: order.by === by ? !order.down : DOWN_FIRST.includes(by) };
}

/** Sorts workers. Unknown values come last in both directions; equal ones keep their order. */
export function sorted(workers: WorkerView[], { by, down }: Order): WorkerView[] {
  const key = KEYS[by];
  return workers.toSorted((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    const order =
      typeof x === 'string'
        ? x.localeCompare(String(y), 'en', { numeric: true, sensitivity: 'base' })
        : x - Number(y);
    return down ? -order : order;
  });
}

/** Workers that have every word of `filter` in their name, host, runtime, state or models. */
export function filtered(workers: WorkerView[], filter: string): WorkerView[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return workers;
  return workers.filter((worker) => {
    const text = [
      worker.name,
      worker.id,
      worker.host.hostname,
      worker.backend_family,
      worker.status,
      worker.version,
      ...worker.models_supported,
    ]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The model that is most likely to respond fast: in memory on the most workers. */
export function readiest(models: ModelView[]): string | undefined {
  return models.toSorted((a, b) => b.loaded - a.loaded || b.workers - a.workers)[0]?.name;
}

/** Names of the models that every worker which has them passes on to its runtime's vendor. */
export function onlyRemote(workers: WorkerView[]): Set<string> {
  const models = workers.flatMap((worker) => worker.models);
  const local = new Set(models.filter((model) => !model.remote).map((model) => model.name));
  return new Set(models.map((model) => model.name).filter((name) => !local.has(name)));
}
