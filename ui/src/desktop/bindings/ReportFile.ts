export type ReportFile = { name: string; size: number; text: string };
