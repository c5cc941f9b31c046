export type AppPreferences = {
  start_at_login: boolean;
  notify: {
    server_lost: boolean;
    key_refused: boolean;
    runtime_gone: boolean;
    update_ready: boolean;
    paused: boolean;
  };
  updates: 'auto' | 'ask' | 'off';
  /** What updates the app instead, if a package manager does. */
  updates_managed_by: string | null;
  first_run_done: boolean;
};
