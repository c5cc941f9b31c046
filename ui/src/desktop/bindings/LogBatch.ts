import type { LogLine } from './LogLine';

export type LogBatch = { lines: LogLine[]; next: number };
