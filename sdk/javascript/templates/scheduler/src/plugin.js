// What the host calls. The only file that knows of the host, so that tests need none.

import "../sdk/globals.js";
import log from "verwalter:plugin/log@1.0.0";
import snapshot from "verwalter:plugin/snapshot@1.0.0";
import { scheduler } from "../sdk/scheduler.js";
import { readConfig } from "./config.js";
import { schedule } from "./schedule.js";

export const { scheduling, describe, checkConfig } = scheduler(
    {
        name: "sample-scheduler",
        version: "0.1.0",
        input: "columns",
        reads: ["runtime"],
        schedule,
        checkConfig: readConfig,
    },
    { snapshot, log },
);
