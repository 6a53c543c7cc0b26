// What the operators wish: the roles of the runtime metadata, checked.

import { fail, isRoleName, Json, Kind, Mapping } from "../sdk/verwalter";

const MOST: i64 = 1000000;
const RESERVED = ["place", "template"];

export class Wish {
  instances: i64 = 0;
  template: Json | null = null;
  /** Passed on to the nodes as they were written. */
  vars: Mapping = new Mapping();

  constructor(readonly role: string) {}

  /** Fails the call where the wish will not do. */
  static read(role: string, json: Json): Wish {
    const wish = new Wish(role);
    if (!isRoleName(role)) fail(`runtime: ${role} is no role name`);
    const entries = json.mapping();
    if (entries == null) {
      fail(`runtime: ${role} must be a mapping`);
      return wish;
    }
    const instances = entries.get("instances");
    wish.instances = instances != null ? instances.whole(-1) : -1;
    if (wish.instances < 0 || wish.instances > MOST) {
      fail(`runtime: ${role}.instances must be a whole number from 0 to ${MOST}`);
    }
    wish.template = entries.get("template");
    const template = wish.template;
    if (template != null && template.kind != Kind.Text) fail(`runtime: ${role}.template must be a text`);
    const vars = entries.get("vars");
    if (vars != null) wish.readVars(vars);
    return wish;
  }

  private readVars(json: Json): void {
    const vars = json.mapping();
    if (vars == null) {
      fail(`runtime: ${this.role}.vars must be a mapping`);
      return;
    }
    for (let at = 0; at < RESERVED.length; at++) {
      if (vars.has(RESERVED[at])) fail(`runtime: ${this.role}.vars.${RESERVED[at]} is reserved`);
    }
    this.vars = vars;
  }

  /** All wishes, in ascending order of role. */
  static readAll(runtime: Json): Wish[] {
    const wishes: Wish[] = [];
    const entries = runtime.mapping();
    if (entries == null) {
      fail("runtime: must be a mapping");
      return wishes;
    }
    for (let at = 0; at < entries.keys.length; at++) wishes.push(Wish.read(entries.keys[at], entries.values[at]));
    return wishes;
  }
}
