export type TestAnswer = {
  model: string;
  text: string;
  first_byte_ms: number;
  tokens_per_second: number | null;
  total_ms: number;
};
