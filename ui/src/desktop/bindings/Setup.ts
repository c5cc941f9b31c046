export type Setup = {
  server_url: string;
  key: string | null;
  /** The key of the join link, which these windows never see. */
  use_link_key: boolean;
  runtime_url: string | null;
  name: string | null;
  withheld_models: string[];
  start_at_login: boolean;
  notifications: boolean;
};
