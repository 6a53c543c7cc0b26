import { Args, Json } from "../sdk/verwalter";

/** ASCII letters in lower case and digits; each run of anything else becomes one `-`, none at the beginning or the end. */
export function slug(given: Json[]): Json | null {
  const args = new Args(["text"], given);
  const text = args.text(0);
  const units: i32[] = [];
  let gap = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const lower = <u32>unit - 0x41 < 26 ? unit + 0x20 : unit;
    if (<u32>lower - 0x61 >= 26 && <u32>lower - 0x30 >= 10) {
      gap = true;
      continue;
    }
    if (gap && units.length > 0) units.push(0x2d);
    gap = false;
    units.push(lower);
  }
  return Json.ofText(String.fromCharCodes(units));
}
