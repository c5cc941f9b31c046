// Of a list of figures, the one that `share` of them do not exceed (nearest rank); null of none.
export function percentile(values: number[], share: number): number | null {
  if (values.length === 0) return null;
  const ranked = values.toSorted((a, b) => a - b);
  return ranked[Math.max(0, Math.ceil(share * ranked.length) - 1)]!;
}
