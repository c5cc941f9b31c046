// An update contains only the new entries of `recent` and `history`, and perhaps only the workers that have changed. This merges them with the previous
// ones.

import type { FinishedRequest } from '../bindings/FinishedRequest';
import type { HistoryBin } from '../bindings/HistoryBin';
import type { Snapshot } from '../bindings/Snapshot';
import type { SnapshotChanges } from '../bindings/SnapshotChanges';
import type { WorkerView } from '../bindings/WorkerView';

/** The number of requests in a full snapshot. */
export const RECENT_KEPT = 200;
/** Seconds of history in a full snapshot. */
export const HISTORY_KEPT_S = 3600;

/** The state after `update`, or `former` if the update is not newer. */
export function merge(former: Snapshot, update: Snapshot | SnapshotChanges): Snapshot {
  if (update.version <= former.version) return former;
  return {
    ...update,
    models: update.models ?? former.models,
    workers: 'worker_ids' in update ? mergeWorkers(former.workers, update) : update.workers,
    recent: mergeRecent(former.recent, update.recent),
    history: mergeHistory(former.history, update.history, Date.parse(update.server.now) / 1000),
  };
}

function mergeWorkers(former: WorkerView[], update: SnapshotChanges): WorkerView[] {
  const workers = new Map([...former, ...update.workers].map((worker) => [worker.id, worker]));
  return update.worker_ids.flatMap((id) => workers.get(id) ?? []);
}

function mergeRecent(former: FinishedRequest[], fresh: FinishedRequest[]): FinishedRequest[] {
  if (fresh.length === 0) return former;
  const known = new Set(fresh.map((request) => request.number));
  return [...fresh, ...former.filter((request) => !known.has(request.number))].slice(0, RECENT_KEPT);
}

function mergeHistory(former: HistoryBin[], fresh: HistoryBin[], now: number): HistoryBin[] {
  const bins = new Map(former.map((bin) => [bin.at, bin]));
  for (const bin of fresh) bins.set(bin.at, bin);
  // Bins in the future are left over from before the server's clock was set back.
  const [oldest, newest] = Number.isNaN(now) ? [0, Infinity] : [now - HISTORY_KEPT_S, now];
  return [...bins.values()].filter((bin) => bin.at >= oldest && bin.at <= newest).sort((a, b) => a.at - b.at);
}
