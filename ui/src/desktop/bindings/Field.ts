/** A setting of worker.yaml, described well enough to be edited. */
export type Field = {
  key: string;
  label: string;
  help: string;
  kind: 'text' | 'secret' | 'number' | 'switch' | 'choice' | 'path' | 'url' | 'duration' | 'size' | 'list';
  /** Never that of a secret. */
  value: string | null;
  default: string;
  choices: string[] | null;
  effect: 'now' | 'restart';
  problem: string | null;
  /** One from the environment cannot be changed here. */
  origin: 'file' | 'default' | 'environment';
  is_set: boolean;
};
