// A policy: it keeps a schedule to a budget and protected roles alive, and warns of what moves.

import { checking, describing, failed, Json, Level, log, Review, reviewing, Verdict } from "../sdk/verwalter";
import { Config } from "./config";

export { vw_abi_1, vw_alloc, vw_free } from "../sdk/verwalter";

export function vw_describe(pointer: usize, length: i32): u64 {
  return describing('{"name":"sample-policy","version":"0.1.0","kind":"policy","input":"columns","reads":[]}');
}

export function vw_check_config(pointer: usize, length: i32): u64 {
  return checking(pointer, length, (config: Json) => { Config.read(config); });
}

export function vw_review(pointer: usize, length: i32): u64 {
  return reviewing(pointer, length, review);
}

function review(input: Review): Verdict | null {
  const config = Config.read(input.config);
  if (failed()) return null;
  const verdict = new Verdict();
  for (let at = 0; at < config.roles.length; at++) {
    const instances = input.proposed.total(config.roles[at]);
    if (instances <= config.most[at]) continue;
    verdict.deny(`${config.roles[at]}: ${instances} instances, at most ${config.most[at]} may be`);
  }
  const previous = input.previous;
  for (let at = 0; at < config.kept.length; at++) {
    const role = config.kept[at];
    if (previous == null || previous.total(role) == 0 || input.proposed.total(role) > 0) continue;
    verdict.deny(`${role}: protected, and would be gone`);
  }
  const moved = input.diff.moved;
  for (let at = 0; at < moved.keys.length; at++) verdict.warn(`${moved.keys[at]}: ${moved.values[at]} moved`);
  log(Level.Info, verdict.word);
  return verdict;
}
