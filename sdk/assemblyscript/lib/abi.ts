// The core ABI: what a plugin's entry file exports, made of plain functions. Arguments and answers are `ArrayBuffer`s whose address the host
// gets: pinned, so that the garbage collector leaves them alone until the host frees them.

import "./abort";
import { Bytes } from "./bytes";
import { begin, fail, failure } from "./failure";
import { Document, Input, Question, Render, Review } from "./input";
import { Json } from "./json";
import { Schedule } from "./schedule";
import { Verdict } from "./verdict";

/** Marks the ABI and its version. */
export function vw_abi_1(): void {}

/** Room for an argument. */
export function vw_alloc(length: i32): usize {
  const buffer = new ArrayBuffer(length);
  return __pin(changetype<usize>(buffer));
}

/** Frees an argument or an answer. */
export function vw_free(pointer: usize, length: i32): void {
  if (pointer != 0) __unpin(pointer);
}

/** What `vw_schedule` does. A scheduler that fails may return null. */
export function scheduling(pointer: usize, length: i32, schedule: (input: Input) => Schedule | null): u64 {
  const input = new Input(document(pointer));
  const answer = failure() == null ? schedule(input) : null;
  return pack(answer != null ? answer.json() : null);
}

/** What `vw_review` does. */
export function reviewing(pointer: usize, length: i32, review: (input: Review) => Verdict | null): u64 {
  const input = new Review(document(pointer));
  const verdict = failure() == null ? review(input) : null;
  return pack(verdict != null ? verdict.json() : null);
}

/** What `vw_query` does. */
export function answering(pointer: usize, length: i32, query: (question: Question) => Json | null): u64 {
  const question = new Question(document(pointer));
  return pack(failure() == null ? query(question) : null);
}

/** What `vw_render_roles` does. `Json.ofNull()` leaves the roles to the schedule. */
export function rendering(pointer: usize, length: i32, renderRoles: (input: Render) => Json | null): u64 {
  const input = new Render(document(pointer));
  return pack(failure() == null ? renderRoles(input) : null);
}

/** What `vw_filters` does. */
export function naming(names: string[]): u64 {
  begin();
  return pack(Json.ofList(names.map<Json>((name) => Json.ofText(name))));
}

/** What `vw_apply` does. */
export function applying(pointer: usize, length: i32, apply: (name: string, args: Json[]) => Json | null): u64 {
  const call = new Document(document(pointer));
  const args = call.value("args").list();
  const result = failure() == null && args != null ? apply(call.text("name"), args) : null;
  const text = failure();
  return text != null ? packText(1, `${call.text("name")}: ${text}`) : pack(result);
}

/** What `vw_describe` does. `json` is what the contract says under `describe`. */
export function describing(json: string): u64 {
  return packText(0, json);
}

/** What `vw_check_config` does: `check` reads the configuration, and fails where it will not do. */
export function checking(pointer: usize, length: i32, check: (config: Json) => void): u64 {
  check(document(pointer));
  const text = failure();
  return text != null ? packText(1, text) : packText(0, "");
}

/** A call begins: what the host wrote, read. */
function document(pointer: usize): Json {
  begin();
  // Without automatic garbage collection this is the time for it: nothing of the last call is needed, and nothing is on the stack.
  if (calls++ > 0) __collect();
  const json = Json.read(changetype<ArrayBuffer>(pointer));
  if (json != null) return json;
  fail("the input is no JSON");
  return Json.ofNull();
}

let calls = 0;

function pack(answer: Json | null): u64 {
  const text = failure();
  if (text != null) return packText(1, text);
  if (answer == null) return packText(1, "the plugin has no answer and does not say why");
  const bytes = new Bytes(answer.length + 1);
  bytes.push(0);
  answer.write(bytes);
  return hand(bytes.take());
}

function packText(status: u32, text: string): u64 {
  const bytes = new ArrayBuffer(1 + String.UTF8.byteLength(text));
  const begin = changetype<usize>(bytes);
  store<u8>(begin, status);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, begin + 1);
  return hand(bytes);
}

/** Address and length of an answer that the host will free. */
function hand(bytes: ArrayBuffer): u64 {
  return (<u64>bytes.byteLength) << 32 | <u64>__pin(changetype<usize>(bytes));
}
