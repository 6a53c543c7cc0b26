import { Args, characters, failed, Json, Level, log } from "../sdk/verwalter";

/**
 * The text if it has at most `length` characters (Unicode code points); else its beginning and `end`, `length` characters together. `end`
 * itself is cut where it is longer.
 */
export function truncate(given: Json[]): Json | null {
  const args = new Args(["text", "length", "end"], given);
  const text = args.text(0);
  const length = args.whole(1, 0);
  const end = characters(args.textOr(2, "…"), length);
  if (failed()) return null;
  const all = count(text);
  if (all <= length) return Json.ofText(text);
  log(Level.Debug, `truncate: ${all - length} of ${all} characters cut`);
  return Json.ofText(characters(text, length - count(end)) + end);
}

function count(text: string): i64 {
  let count: i64 = 0;
  for (let at = 0; at < text.length; count++) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return count;
}
