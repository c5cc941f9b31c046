// The percentile of a list of numbers by nearest rank, or null if the list is empty.
export function percentile(values: number[], share: number): number | null {
  if (values.length === 0) return null;
  const ranked = values.toSorted((a, b) => a - b);
  return ranked[Math.max(0, Math.ceil(share * ranked.length) - 1)]!;
}
