import type { Field } from './Field';

export type Preferences = {
  path: string;
  exists: boolean;
  groups: { name: string; fields: Field[] }[];
  file_problem: string | null;
};
