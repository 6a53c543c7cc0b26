// The AssemblyScript SDK for verwalter's plugins: small and typed. A plugin's entry file exports the functions of the core ABI, each a line,
//
//     export { vw_abi_1, vw_alloc, vw_free } from "../sdk/verwalter";
//     export function vw_schedule(pointer: usize, length: i32): u64 { return scheduling(pointer, length, schedule); }
//
// and the rest are plain functions over typed input: `schedule(input: Input): Schedule | null`.

export * from "./abi";
export { Bytes } from "./bytes";
export { fail, failed } from "./failure";
export { Args } from "./filter";
export { attribute, column, hostnames, Level, log, requiredColumn } from "./host";
export { Diff, Document, Input, Peer, Placed, Question, Render, Review } from "./input";
export { Json, Kind, Mapping, MAX_WHOLE } from "./json";
export { ascending } from "./order";
export { isRoleName, MAX_INSTANCES, Role, Schedule } from "./schedule";
export { characters, Verdict } from "./verdict";
