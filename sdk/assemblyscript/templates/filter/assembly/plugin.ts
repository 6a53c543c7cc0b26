// Filters for templates: `slug`, `truncate` and `pick`, a file each.

import { applying, describing, fail, Json, naming } from "../sdk/verwalter";
import { pick } from "./pick";
import { slug } from "./slug";
import { truncate } from "./truncate";

export { vw_abi_1, vw_alloc, vw_free } from "../sdk/verwalter";

export function vw_describe(pointer: usize, length: i32): u64 {
  return describing('{"name":"sample-filter","version":"0.1.0","kind":"filter"}');
}

export function vw_filters(pointer: usize, length: i32): u64 {
  return naming(["slug", "truncate", "pick"]);
}

export function vw_apply(pointer: usize, length: i32): u64 {
  return applying(pointer, length, apply);
}

function apply(name: string, args: Json[]): Json | null {
  if (name == "slug") return slug(args);
  if (name == "truncate") return truncate(args);
  if (name == "pick") return pick(args);
  return fail<Json>("there is no such filter");
}
