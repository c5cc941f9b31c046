// The colours and icons of states.

export const WORKER_TONE = {
  idle: 'good',
  working: 'accent',
  not_ready: 'bad',
  draining: 'warn',
  gone: 'muted',
} as const;

export const SERVER_TONE = { ready: 'good', not_ready: 'bad', draining: 'warn' } as const;
export const SERVER_ICON = { ready: 'done', not_ready: 'not_ready', draining: 'draining' } as const;

export const REQUEST_TONE = {
  reading: 'muted',
  queued: 'warn',
  waiting: 'muted',
  streaming: 'accent',
} as const;

export const OUTCOME_TONE = {
  done: 'good',
  refused: 'warn',
  failed: 'bad',
  left: 'muted',
  cancelled: 'muted',
} as const;
