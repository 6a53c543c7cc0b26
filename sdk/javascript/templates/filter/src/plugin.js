// What the host calls. The only file that knows of the host, so that tests need none.

import "../sdk/globals.js";
import log from "verwalter:plugin/log@1.0.0";
import { filters } from "../sdk/filter.js";
import { all } from "./filters.js";

export const { filtering, describe, checkConfig } = filters({ name: "sample-filter", version: "0.1.0", filters: all }, { log });
