export type LogLine = {
  seq: number;
  /** RFC 3339. */
  at: string;
  level: 'ERROR' | 'WARN' | 'INFO' | 'DEBUG' | 'TRACE';
  target: string;
  message: string;
  fields: string;
};
