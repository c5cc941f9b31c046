export type Check = {
  id: string;
  title: string;
  outcome: 'ok' | 'warning' | 'failed' | 'skipped';
  found: string;
  fix: string | null;
  took_ms: number;
};
