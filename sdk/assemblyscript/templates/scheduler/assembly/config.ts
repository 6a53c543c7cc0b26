// The manifest's `config`, checked.

import { fail, Json } from "../sdk/verwalter";

export class Config {
  /** The busiest that a peer may be to get another instance: a share above 0 and at most 1. */
  maxBusy: f64 = 0.9;

  /** Fails the call where the configuration will not do. */
  static read(json: Json): Config {
    const config = new Config();
    const entries = json.mapping();
    if (entries == null) {
      fail("config: must be a mapping");
      return config;
    }
    for (let at = 0; at < entries.keys.length; at++) {
      if (entries.keys[at] != "max_busy") fail(`config: unknown key ${entries.keys[at]}, expected max_busy`);
    }
    const value = entries.get("max_busy");
    if (value != null) config.maxBusy = value.number();
    // NaN, of what is no number, is neither.
    if (!(config.maxBusy > 0 && config.maxBusy <= 1)) fail("config: max_busy must be a number above 0 and at most 1");
    return config;
  }
}
