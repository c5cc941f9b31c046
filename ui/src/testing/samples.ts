// Sample states for tests.

import type { FinishedRequest } from '../bindings/FinishedRequest';
import type { HistoryBin } from '../bindings/HistoryBin';
import type { Snapshot } from '../bindings/Snapshot';
import type { WorkerView } from '../bindings/WorkerView';
import { BIN, ENDED, NOW, SNAPSHOT, WORKER } from './blanks.mjs';

export { NOW };

export function aWorker(part: Partial<WorkerView> = {}): WorkerView {
  return { ...WORKER, ...part };
}

export function aBin(at: number, part: Partial<HistoryBin> = {}): HistoryBin {
  return { ...BIN, at, ...part };
}

export function anEnded(number: number, part: Partial<FinishedRequest> = {}): FinishedRequest {
  return { ...ENDED, id: `req-${number}`, number, ...part };
}

export function aSnapshot(part: Partial<Snapshot> = {}): Snapshot {
  return { ...SNAPSHOT, ...part };
}
