export type Saved = { restarted: boolean; applied: string[] };
