// A query plugin: `/v1/query/roles/ROLE` tells on which nodes a role runs.

import { answering, describing, fail, Json, Mapping, Question, Render, rendering } from "../sdk/verwalter";

export { vw_abi_1, vw_alloc, vw_free } from "../sdk/verwalter";

export function vw_describe(pointer: usize, length: i32): u64 {
  return describing('{"name":"sample-query","version":"0.1.0","kind":"query"}');
}

export function vw_query(pointer: usize, length: i32): u64 {
  return answering(pointer, length, query);
}

export function vw_render_roles(pointer: usize, length: i32): u64 {
  // The roles that a node renders stay the schedule's choice.
  return rendering(pointer, length, (_: Render) => Json.ofNull());
}

function query(question: Question): Json | null {
  const role = roleOf(question.path);
  if (role.length == 0) return fail<Json>(`no such path: ${question.path}; ask roles/ROLE`);
  const schedule = question.placed;
  if (schedule == null) return fail<Json>("no schedule is in force");

  const hosts = new Mapping();
  const instances = schedule.instances(role);
  for (let at = 0; at < instances.length; at++) {
    if (instances[at] > 0) hosts.add(schedule.nodes.keys[at], Json.ofWhole(instances[at]));
  }
  if (hosts.keys.length == 0 && !schedule.roles.has(role)) return fail<Json>(`no role ${role} in the schedule`);
  const answer = new Mapping();
  answer.add("role", Json.ofText(role));
  answer.add("nodes", hosts.json());
  return answer.json();
}

/** The role that a path asks for, "" where it asks for none. */
function roleOf(path: string): string {
  const role = path.startsWith("roles/") ? path.substring(6) : "";
  return role.includes("/") ? "" : role;
}
