// Builds a scheduler's answer. What the host would refuse for its form cannot be built: role names are checked, placements are on peers of
// the input, instances lie within their bounds, no variable stands twice. Whatever is wrong fails the call (see failure.ts).

import { Bytes } from "./bytes";
import { fail } from "./failure";
import { Json, Mapping } from "./json";

/** The most instances of one role on one node. */
export const MAX_INSTANCES = 1000000;
/** The most roles of a schedule. */
export const MAX_ROLES = 10000;
/** The most placements of a schedule. */
export const MAX_PLACEMENTS = 1000000;

/** A schedule that is being made, over the peers of the snapshot. */
export class Schedule {
  private roles: Map<string, Role> = new Map();
  private vars: Vars = new Vars();
  private actions: Vars = new Vars();
  private changes: Json[] = [];
  private state: Json | null = null;
  /** How many placements there are; for `Role`. */
  placements: i32 = 0;

  /** `hostnames` as the host tells them; a peer is its position there. */
  constructor(readonly hostnames: string[]) {}

  /** The role `name`, new or begun before. A role without placements is in the schedule too. */
  role(name: string): Role {
    if (this.roles.has(name)) return this.roles.get(name);
    const role = new Role(this, name);
    if (!isRoleName(name)) fail(`${name} is no role name`);
    else if (this.roles.size == MAX_ROLES) fail(`more than ${MAX_ROLES} roles`);
    else this.roles.set(name, role);
    return role;
  }

  /** Sets a variable of every role on every node: the most general level. */
  set(key: string, value: Json): void {
    this.vars.set(key, value);
  }

  /** Keeps a value for the next decision, which finds it in its parent. */
  keep(state: Json): void {
    this.state = state;
  }

  /** Answers an operator's action. */
  act(id: string, value: Json): void {
    this.actions.set(id, value);
  }

  /** Tells people what moved, one line. */
  change(text: string): void {
    this.changes.push(Json.ofText(text));
  }

  /** The answer. */
  json(): Json {
    const out = new Bytes(4096);
    out.raw('{"v":1,"schedule":{"roles":{');
    const roles = this.roles.values();
    for (let at = 0; at < roles.length; at++) {
      if (at > 0) out.push(0x2c);
      roles[at].write(out);
    }
    out.push(0x7d);
    this.vars.write("vars", out);
    const state = this.state;
    if (state != null) {
      out.raw(',"state":');
      state.write(out);
    }
    out.push(0x7d);
    this.actions.write("actions", out);
    let reasons = 0;
    for (let at = 0; at < roles.length; at++) {
      if (!roles[at].hasReasons) continue;
      out.raw(reasons == 0 ? ',"why":{' : ",");
      roles[at].writeWhy(out);
      reasons += 1;
    }
    if (reasons > 0) out.push(0x7d);
    if (this.changes.length > 0) {
      out.raw(',"changes":');
      Json.ofList(this.changes).write(out);
    }
    out.push(0x7d);
    return Json.of(out);
  }
}

/** One role of a schedule that is being made. */
export class Role {
  private vars: Vars = new Vars();
  private peers: i32[] = [];
  private instances: i32[] = [];
  private reasons: string[] = [];
  hasReasons: bool = false;

  constructor(private schedule: Schedule, private name: string) {}

  /** Sets a variable of this role on every node. `template`, written `ROLE/VERSION`, names what the nodes render. */
  set(key: string, value: Json): void {
    if (key == "place") fail(`${this.name}.place is no variable`);
    else this.vars.set(key, value);
  }

  /**
   * Places 1 to `MAX_INSTANCES` instances on a peer; peers in ascending order, each once. `why`, where it is not empty, is what
   * `verwalter why` shows.
   */
  place(peer: i32, instances: i64, why: string = ""): void {
    const schedule = this.schedule;
    if (peer < 0 || peer >= schedule.hostnames.length) {
      fail(`role ${this.name}: there is no peer ${peer}`);
      return;
    }
    const host = schedule.hostnames[peer];
    if (instances < 1 || instances > MAX_INSTANCES) {
      fail(`role ${this.name}: ${instances} instances on ${host}, 1 to ${MAX_INSTANCES} may be`);
    } else if (this.peers.length > 0 && this.peers[this.peers.length - 1] >= peer) {
      fail(`role ${this.name}: ${host} is placed twice or out of order`);
    } else if (schedule.placements == MAX_PLACEMENTS) {
      fail(`more than ${MAX_PLACEMENTS} placements`);
    } else {
      schedule.placements += 1;
      this.peers.push(peer);
      this.instances.push(<i32>instances);
      this.reasons.push(why);
      if (why.length > 0) this.hasReasons = true;
    }
  }

  /** Appends the role with its variables and placements; for `Schedule`. */
  write(out: Bytes): void {
    out.quoted(this.name);
    out.raw(":{");
    if (this.vars.write("", out)) out.push(0x2c);
    out.raw('"place":{');
    for (let at = 0; at < this.peers.length; at++) {
      if (at > 0) out.push(0x2c);
      out.quoted(this.schedule.hostnames[this.peers[at]]);
      out.push(0x3a);
      out.raw(this.instances[at].toString());
    }
    out.raw("}}");
  }

  /** Appends the role's reasons; for `Schedule`. */
  writeWhy(out: Bytes): void {
    out.quoted(this.name);
    out.raw(":{");
    let told = 0;
    for (let at = 0; at < this.peers.length; at++) {
      if (this.reasons[at].length == 0) continue;
      if (told > 0) out.push(0x2c);
      told += 1;
      out.quoted(this.schedule.hostnames[this.peers[at]]);
      out.push(0x3a);
      out.quoted(this.reasons[at]);
    }
    out.push(0x7d);
  }
}

/** Variables in the order in which they were set, each once: a later value replaces an earlier one. */
class Vars {
  private values: Map<string, Json> = new Map();

  set(key: string, value: Json): void {
    this.values.set(key, value);
  }

  /** Appends `,"name":{…}` if there are any, or the bare entries where `name` is empty; tells whether there are. */
  write(name: string, out: Bytes): bool {
    if (this.values.size == 0) return false;
    const entries = new Mapping();
    entries.keys = this.values.keys();
    entries.values = this.values.values();
    if (name.length > 0) {
      out.push(0x2c);
      out.quoted(name);
      out.push(0x3a);
      entries.json().write(out);
    } else {
      entries.write(out);
    }
    return true;
  }
}

/** Whether a role may be called so: `[a-z0-9][a-z0-9_.-]*`, 1 to 64 bytes. */
export function isRoleName(name: string): bool {
  if (name.length == 0 || name.length > 64) return false;
  for (let at = 0; at < name.length; at++) {
    const unit = <u32>name.charCodeAt(at);
    if (unit - 0x61 < 26 || unit - 0x30 < 10) continue;
    if (at == 0 || (unit != 0x5f && unit != 0x2e && unit != 0x2d)) return false;
  }
  return true;
}
