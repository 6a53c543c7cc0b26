// The manifest's `config`, checked.

import { fail, Json } from "../sdk/verwalter";

export class Config {
  /** Roles with a most, ascending, and how many instances each may have. */
  roles: string[] = [];
  most: i64[] = [];
  /** Roles that may not vanish; `protected` is a word of the language. */
  kept: string[] = [];

  /** Fails the call where the configuration will not do. */
  static read(json: Json): Config {
    const config = new Config();
    const entries = json.mapping();
    if (entries == null) {
      fail("config: must be a mapping");
      return config;
    }
    for (let at = 0; at < entries.keys.length; at++) {
      const key = entries.keys[at];
      if (key != "most" && key != "protected") fail(`config: unknown key ${key}, expected most or protected`);
    }
    const most = entries.get("most");
    if (most != null) config.readMost(most);
    const kept = entries.get("protected");
    if (kept != null) config.readProtected(kept);
    return config;
  }

  private readMost(value: Json): void {
    const entries = value.mapping();
    if (entries != null) {
      this.roles = entries.keys;
      this.most = entries.values.map<i64>((most) => most.whole(-1));
    }
    if (entries == null || this.most.some((most) => most < 0)) fail("config: most must be a mapping of roles to whole numbers");
  }

  private readProtected(value: Json): void {
    const items = value.list();
    if (items == null) {
      fail("config: protected must be a list of texts");
      return;
    }
    for (let at = 0; at < items.length; at++) {
      const role = items[at].text();
      if (role == null) fail("config: protected must be a list of texts");
      else this.kept.push(role);
    }
  }
}
