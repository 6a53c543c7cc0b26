import { Args, fail, failed, Json } from "../sdk/verwalter";

/** The part of `value` at the dotted path: keys of mappings, positions in lists; the empty path is the value itself. */
export function pick(given: Json[]): Json | null {
  const args = new Args(["value", "path", "default"], given);
  const value = args.value(0);
  const path = args.text(1);
  if (failed()) return null;
  const found = path.length == 0 ? value : at(value, path.split("."));
  if (found != null) return found;
  return args.has(2) ? args.value(2) : fail<Json>(`nothing at \`${path}\``);
}

function at(value: Json, path: string[]): Json | null {
  for (let step = 0; step < path.length; step++) {
    const part = partOf(value, path[step]);
    if (part == null) return null;
    value = part;
  }
  return value;
}

function partOf(value: Json, step: string): Json | null {
  const entries = value.mapping();
  if (entries != null) return entries.get(step);
  const items = value.list();
  if (items == null || step.length == 0) return null;
  let position: i64 = 0;
  for (let digit = 0; digit < step.length; digit++) {
    const unit = <u32>step.charCodeAt(digit) - 0x30;
    if (unit > 9) return null;
    // Beyond the end it does not matter how far.
    position = min<i64>(position * 10 + unit, items.length);
  }
  return position < items.length ? items[<i32>position] : null;
}
