// What the host calls. The only file that knows of the host, so that tests need none.

import "../sdk/globals.js";
import log from "verwalter:plugin/log@1.0.0";
import snapshot from "verwalter:plugin/snapshot@1.0.0";
import { policy } from "../sdk/policy.js";
import { readConfig } from "./config.js";
import { review } from "./review.js";

export const { reviewing, describe, checkConfig } = policy(
    {
        name: "sample-policy",
        version: "0.1.0",
        input: "columns",
        reads: [],
        review,
        checkConfig: readConfig,
    },
    { snapshot, log },
);
