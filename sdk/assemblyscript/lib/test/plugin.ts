// The SDK's parts as filters, so that `sdk.test.mjs` can ask them.

import {
  applying, Args, ascending, attribute, characters, column, Document, fail, failed, hostnames, Input, isRoleName, Json, Level, log, Mapping, requiredColumn, Schedule, Verdict,
} from "../verwalter";

export { vw_abi_1, vw_alloc, vw_free } from "../verwalter";

export function vw_apply(pointer: usize, length: i32): u64 {
  return applying(pointer, length, apply);
}

function apply(name: string, given: Json[]): Json | null {
  const first = given.length > 0 ? given[0] : Json.ofNull();
  if (name == "again") return again(first);
  if (name == "bits") return Json.ofText("0x" + reinterpret<u64>(first.number()).toString(16));
  if (name == "number") return Json.ofNumber(first.number());
  if (name == "whole") return Json.ofWhole(first.whole(-7));
  if (name == "checks") return Json.ofBool(Json.parse(first.textOr("")) != null);
  if (name == "order") return Json.ofWhole(ascending(first.textOr(""), given[1].textOr("")));
  if (name == "first") return Json.ofText(characters(first.textOr(""), given[1].whole(0)));
  if (name == "role") return Json.ofBool(isRoleName(first.textOr("")));
  if (name == "args") return args(given);
  if (name == "schedule") return schedule(first.textOr(""));
  if (name == "verdict") return verdict(<i32>first.whole(0), given[1].textOr(""));
  if (name == "host") return host();
  if (name == "input") return input(first);
  if (name == "index") return given[<i32>first.whole(0)];
  return fail<Json>("there is no such filter");
}

/** Takes a value apart and puts it together again. */
function again(value: Json): Json {
  const text = value.text();
  if (text != null) return Json.ofText(text);
  const items = value.list();
  if (items != null) return Json.ofList(items.map<Json>((item) => again(item)));
  const entries = value.mapping();
  if (entries == null) return value;
  for (let at = 0; at < entries.values.length; at++) entries.values[at] = again(entries.values[at]);
  return entries.json();
}

function args(given: Json[]): Json {
  const args = new Args(["text", "length", "end", "rest"], given);
  return Json.ofList([
    Json.ofText(args.text(0)),
    Json.ofWhole(args.whole(1, 0)),
    Json.ofText(args.textOr(2, "…")),
    args.has(3) ? args.value(3) : Json.ofText("-"),
  ]);
}

function schedule(fault: string): Json {
  const schedule = new Schedule(["alpha", "beta"]);
  const idle = schedule.role("idle");
  idle.set("a", Json.ofNull());
  idle.set("a", Json.ofNumber(0.5));
  const web = schedule.role(fault == "name" ? "Web" : "web");
  web.set(fault == "place" ? "place" : "template", Json.ofText("web/v1"));
  web.place(fault == "peer" ? 2 : 1, fault == "none" ? 0 : fault == "many" ? 1000001 : 2, '2 "new"');
  if (fault == "twice") web.place(1, 1);
  schedule.set("dc", Json.ofText("é"));
  schedule.keep(Json.ofWhole(7));
  schedule.act("1", Json.ofBool(true));
  schedule.change("web moved");
  return schedule.json();
}

function verdict(warnings: i32, reason: string): Json {
  const verdict = new Verdict();
  for (let at = 0; at < warnings; at++) verdict.warn("ü".repeat(501));
  if (reason.length > 0) verdict.deny(reason);
  return verdict.json();
}

function host(): Json | null {
  log(Level.Warn, "asked 🦀");
  const answer = new Mapping();
  answer.add("hostnames", Json.ofList(hostnames().map<Json>((text) => Json.ofText(text))));
  const racks = attribute("rack");
  if (racks != null) answer.add("racks", Json.ofList(racks.map<Json>((text) => Json.ofText(text))));
  answer.add("row", Json.ofBool(attribute("row") != null));
  answer.add("rps", Json.ofBool(column("rps") != null));
  const cpu = requiredColumn("cpu");
  if (failed()) return null;
  answer.add("cpu", Json.ofText("0x" + reinterpret<u64>(cpu[0]).toString(16)));
  answer.add("unsampled", Json.ofBool(isNaN(cpu[1])));
  answer.add("absent", new Document(answer.json()).value("absent"));
  return answer.json();
}

function input(document: Json): Json {
  const input = new Input(document);
  const peers = input.peers;
  const cpu = input.metric("cpu");
  const answer = new Mapping();
  answer.add("hosts", Json.ofList(peers.map<Json>((peer) => Json.ofText(`${peer.hostname} ${peer.addr} ${peer.knownSince} ${peer.lastReportDirect} ${peer.machine}`))));
  answer.add("unsampled", Json.ofBool(cpu != null && isNaN(cpu[0]) && cpu[1] == 5e-324));
  answer.add("rps", Json.ofBool(input.metric("rps") != null));
  answer.add("round", Json.ofText(`${input.now} ${input.round} ${input.term} ${input.currentHost} ${input.currentId}`));
  answer.add("runtime", input.runtime);
  answer.add("action", input.actions.values[0]);
  answer.add("web", Json.ofWhole(input.parents[0].total("web")));
  return answer.json();
}
