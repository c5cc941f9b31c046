/** Ten seconds of the last hour. */
export type LoadBin = {
  /** When it began, in Unix milliseconds. */
  at: number;
  running: number;
  requests: number;
  tokens_out: number;
};
