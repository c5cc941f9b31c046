export type Phase =
  | 'unconfigured'
  | 'stopped'
  | 'connecting'
  | 'waiting'
  | 'refused'
  | 'not_ready'
  | 'ready'
  | 'busy'
  | 'draining'
  | 'paused'
  | 'terminating'
  | 'failed';
