// Builds a policy's verdict. What the host would refuse cannot be built: a denial has a reason, texts keep to their bounds.

import { Bytes } from "./bytes";
import { fail } from "./failure";
import { Json } from "./json";

/** The most reasons, and the most warnings. */
export const MAX_TEXTS = 100;
/** The longest reason or warning, in characters. */
export const MAX_CHARACTERS = 500;

/** Allows until a reason is given. */
export class Verdict {
  private reasons: Json[] = [];
  private warnings: Json[] = [];

  /** Denies, and says why. The first `MAX_TEXTS` reasons are told. */
  deny(reason: string): void {
    add(this.reasons, reason);
  }

  /** Says what a person should know, whatever the verdict. The first `MAX_TEXTS` warnings are told. */
  warn(text: string): void {
    add(this.warnings, text);
  }

  /** `allow` or `deny`. */
  get word(): string {
    return this.reasons.length == 0 ? "allow" : "deny";
  }

  /** The answer. */
  json(): Json {
    const out = new Bytes();
    out.raw(`{"v":1,"verdict":"${this.word}","reasons":`);
    Json.ofList(this.reasons).write(out);
    out.raw(',"warnings":');
    Json.ofList(this.warnings).write(out);
    out.push(0x7d);
    return Json.of(out);
  }
}

function add(texts: Json[], text: string): void {
  if (text.trim().length == 0) fail("a reason or warning without words");
  else if (texts.length < MAX_TEXTS) texts.push(Json.ofText(characters(text, MAX_CHARACTERS)));
}

/** The first `most` characters (Unicode code points) of a text, or all of it where it has fewer. */
export function characters(text: string, most: i64): string {
  let at = 0;
  for (let count: i64 = 0; at < text.length; count++) {
    if (count == most) return text.substring(0, at);
    at += text.codePointAt(at) > 0xffff ? 2 : 1;
  }
  return text;
}
