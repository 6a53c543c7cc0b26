// A filter's arguments: by position and by name, checked. Whatever is wrong with them fails the call (see failure.ts); what is read then is
// of the right type and empty.

import { fail } from "./failure";
import { Json, Kind, Mapping } from "./json";
import { characters } from "./verdict";

/** The arguments of one call of a filter. Read them in their order: of several faults the first that is met is told. */
export class Args {
  private byPosition: Json[];
  private byName: Mapping = new Mapping();

  /** `names` are the filter's arguments in their order, `given` what the host hands over. */
  constructor(private names: string[], given: Json[]) {
    this.byPosition = given;
    if (given.length > 1) {
      const named = given[given.length - 1].mapping();
      if (named != null) {
        this.byName = named;
        this.byPosition = given.slice(0, given.length - 1);
      }
    }
    this.check();
  }

  /** Whether argument `index` was given. */
  has(index: i32): bool {
    return this.find(index) != null;
  }

  /** Any value. */
  value(index: i32): Json {
    const value = this.find(index);
    if (value != null) return value;
    this.missing(index, "a value");
    return Json.ofNull();
  }

  text(index: i32): string {
    const value = this.find(index);
    if (value == null) {
      this.missing(index, "a text");
      return "";
    }
    const text = value.text();
    if (text != null) return text;
    this.unexpected(index, "a text", value);
    return "";
  }

  /** A text that may be left out. */
  textOr(index: i32, otherwise: string): string {
    return this.has(index) ? this.text(index) : otherwise;
  }

  /** A whole number, or a text of one, of at least `least`. */
  whole(index: i32, least: i64 = i64.MIN_VALUE): i64 {
    const value = this.find(index);
    if (value == null) {
      this.missing(index, "a whole number");
      return 0;
    }
    const text = value.text();
    if (text == null ? value.whole(i64.MIN_VALUE) == i64.MIN_VALUE : !isWhole(text)) {
      this.unexpected(index, "a whole number", value);
      return 0;
    }
    const number = text == null ? value.whole(0) : wholeOf(text);
    if (number < least) {
      this.unexpected(index, `a whole number of at least ${least}`, value);
      return 0;
    }
    return number;
  }

  private check(): void {
    const names = this.names;
    const list = names.join(", ");
    if (this.byPosition.length > names.length) {
      fail(`takes at most ${names.length} arguments (${list}), got ${this.byPosition.length}`);
    }
    for (let at = 0; at < this.byName.keys.length; at++) {
      const name = this.byName.keys[at];
      const index = names.indexOf(name);
      if (index < 0) fail(`there is no argument \`${name}\`; it takes ${list}`);
      else if (index < this.byPosition.length) fail(`${this.label(index)} is given twice, by position and by name`);
    }
  }

  private find(index: i32): Json | null {
    return index < this.byPosition.length ? this.byPosition[index] : this.byName.get(this.names[index]);
  }

  private label(index: i32): string {
    return `argument ${index + 1} (\`${this.names[index]}\`)`;
  }

  private missing(index: i32, expected: string): void {
    fail(`${this.label(index)} is missing: expected ${expected}`);
  }

  private unexpected(index: i32, expected: string, value: Json): void {
    fail(`${this.label(index)}: expected ${expected}, got ${describe(value)}`);
  }
}

function isWhole(text: string): bool {
  const begin = text.startsWith("-") ? 1 : 0;
  for (let at = begin; at < text.length; at++) if (<u32>text.charCodeAt(at) - 0x30 > 9) return false;
  return begin < text.length;
}

/** More digits than an `i64` takes are as good as its bound. */
function wholeOf(text: string): i64 {
  const negative = text.startsWith("-");
  let number: i64 = 0;
  for (let at = negative ? 1 : 0; at < text.length; at++) {
    const digit = <i64>text.charCodeAt(at) - 0x30;
    if (number > (i64.MAX_VALUE - digit) / 10) return negative ? i64.MIN_VALUE : i64.MAX_VALUE;
    number = number * 10 + digit;
  }
  return negative ? -number : number;
}

/** How a value that was not expected is named in an error. */
function describe(value: Json): string {
  switch (value.kind) {
    case Kind.Number: return `the number ${value}`;
    case Kind.Text: {
      const text = value.textOr("");
      const first = characters(text, 40);
      return `the text "${first}"${first.length < text.length ? "…" : ""}`;
    }
    case Kind.List: {
      const items = value.list();
      return `a list of ${items != null ? items.length : 0}`;
    }
    case Kind.Mapping: {
      const entries = value.mapping();
      return `a mapping of ${entries != null ? entries.keys.length : 0}`;
    }
    default: return value.toString();
  }
}
