// A scheduler: it places each role of the runtime metadata on the least busy peers, as evenly as it can, and leaves where it is what stands.
// `config.ts` and `wish.ts` read, `decide.ts` decides, this file asks and answers.

import { checking, column, describing, failed, hostnames, Input, Json, Level, log, requiredColumn, Schedule, scheduling } from "../sdk/verwalter";
import { Config } from "./config";
import { Ranking, spread } from "./decide";
import { Wish } from "./wish";

export { vw_abi_1, vw_alloc, vw_free } from "../sdk/verwalter";

export function vw_describe(pointer: usize, length: i32): u64 {
  return describing('{"name":"sample-scheduler","version":"0.1.0","kind":"scheduler","input":"columns","reads":["runtime"]}');
}

export function vw_check_config(pointer: usize, length: i32): u64 {
  return checking(pointer, length, (config: Json) => { Config.read(config); });
}

export function vw_schedule(pointer: usize, length: i32): u64 {
  return scheduling(pointer, length, schedule);
}

function schedule(input: Input): Schedule | null {
  const config = Config.read(input.config);
  const wishes = Wish.readAll(input.runtime);
  if (failed()) return null;
  const answer = new Schedule(hostnames());
  if (wishes.length == 0) return answer;

  const ranking = new Ranking(requiredColumn("cpu"), config.maxBusy);
  if (failed()) return null;
  for (let at = 0; at < wishes.length; at++) place(wishes[at], ranking, answer);
  return answer;
}

function place(wish: Wish, ranking: Ranking, answer: Schedule): void {
  const before = inForce(wish.role, answer.hostnames.length);
  const after = StaticArray.slice<i64>(before);
  const placed = spread(after, wish.instances, ranking);

  const role = answer.role(wish.role);
  for (let at = 0; at < wish.vars.keys.length; at++) role.set(wish.vars.keys[at], wish.vars.values[at]);
  const template = wish.template;
  if (template != null) role.set("template", template);
  for (let peer = 0; peer < after.length; peer++) {
    if (after[peer] > 0) role.place(peer, after[peer], reason(before[peer], after[peer]));
  }

  if (placed < wish.instances) log(Level.Warn, `${wish.role}: ${placed} placed, ${wish.instances - placed} missing`);
  else log(Level.Info, `${wish.role}: ${placed} placed`);
}

/** How many instances of the role each peer has in the schedule in force. */
function inForce(role: string, peers: i32): StaticArray<i64> {
  const instances = new StaticArray<i64>(peers);
  const placed = column(`placed.${role}`);
  if (placed == null) return instances;
  for (let peer = 0; peer < peers; peer++) instances[peer] = <i64>placed[peer];
  return instances;
}

function reason(had: i64, has: i64): string {
  if (had >= has) return "kept";
  return had == 0 ? "new" : `${had} kept, ${has - had} new`;
}
