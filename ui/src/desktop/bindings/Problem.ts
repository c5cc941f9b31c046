/** Every failure of a command. */
export type Problem = { what: string; why: string | null; fix: string | null; field: string | null };
