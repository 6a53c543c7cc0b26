// What ends a call without an answer: an index out of bounds, a failed assertion, `unreachable`. The compiler calls it by
// `--use abort=`; the log tells where it happened.

// @ts-ignore: decorator
@external("verwalter", "log")
declare function writeLog(level: i32, text: usize, length: usize): void;

export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message != null ? message : "aborted";
  const where = file != null ? file : "?";
  const text = String.UTF8.encode(`${where}:${line}:${column}: ${what}`);
  writeLog(4, changetype<usize>(text), text.byteLength);
  unreachable();
}
