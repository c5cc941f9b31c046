// Splits text at the matches of a search.

export interface Piece {
  text: string;
  found: boolean;
}

export function pieces(text: string, wanted: string): Piece[] {
  const [low, looked] = [text.toLowerCase(), wanted.trim().toLowerCase()];
  // Some letters change their length with their case, so positions would not match.
  if (looked === '' || low.length !== text.length) return [{ text, found: false }];
  const all: Piece[] = [];
  let at = 0;
  for (let hit = low.indexOf(looked); hit >= 0; hit = low.indexOf(looked, at)) {
    if (hit > at) all.push({ text: text.slice(at, hit), found: false });
    all.push({ text: text.slice(hit, hit + looked.length), found: true });
    at = hit + looked.length;
  }
  if (at < text.length || all.length === 0) all.push({ text: text.slice(at), found: false });
  return all;
}
