// What the host calls. The only file that knows of the host, so that tests need none.

import "../sdk/globals.js";
import log from "verwalter:plugin/log@1.0.0";
import { query } from "../sdk/query.js";
import { answer } from "./answer.js";

export const { querying, describe, checkConfig } = query({ name: "sample-query", version: "0.1.0", query: answer }, { log });
