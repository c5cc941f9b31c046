export type FoundRuntime = {
  kind: string;
  title: string;
  url: string;
  version: string | null;
  models: string[];
  problem: string | null;
};
