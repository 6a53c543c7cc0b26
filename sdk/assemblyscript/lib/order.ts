// The contract's order of texts: ascending by the bytes of UTF-8, which is the order of code points. The order of AssemblyScript's
// own `<` is that of UTF-16, which puts U+FF5E after U+1F980.

/** Negative, 0 or positive as `a` comes before, is or comes after `b`. For `Array.sort` too. */
export function ascending(a: string, b: string): i32 {
  const common = min(a.length, b.length);
  for (let at = 0; at < common; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x != y) return weight(x) - weight(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for the code points above all others. */
function weight(unit: i32): i32 {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
