;; `pick value path [default]`: the part of a value at a dotted path: keys of mappings, positions in lists. The empty path is the value.

(func $pick (param $args i64) (result i64)
  (local $error i64) (local $path i64) (local $value i64) (local $start i32)
  (local.set $error (call $read_args (local.get $args) (global.get $PICK) (global.get $PICK_TAKES)))
  (if (i64.ne (local.get $error) (i64.const 0)) (then (return (local.get $error))))
  (local.set $value (call $arg (i32.const 0)))
  (if (i64.eqz (local.get $value))
    (then (return (call $wrong (i32.const 0) (global.get $A_VALUE)))))
  (if (i32.eqz (call $is_text (call $arg (i32.const 1))))
    (then (return (call $wrong (i32.const 1) (global.get $A_TEXT)))))
  (local.set $path (call $text (call $arg (i32.const 1))))
  (if (call $len (local.get $path))
    (then (local.set $value (call $part (local.get $value) (local.get $path)))))
  (if (i64.eqz (local.get $value)) (then (local.set $value (call $arg (i32.const 2)))))
  (if (i64.eqz (local.get $value))
    (then
      (local.set $start (call $begin_error))
      (call $say (global.get $NOTHING_AT))
      (call $put (local.get $path))
      (call $byte (i32.const 0x60 (;`;)))
      (return (call $done (local.get $start)))))
  (local.set $start (call $begin (i32.const 0)))
  (call $put (local.get $value))
  (call $done (local.get $start)))

(global $PICK_TAKES i32 (i32.const 560)) (data (i32.const 560) "value, path, default\00")
(global $A_VALUE i32 (i32.const 584))    (data (i32.const 584) "a value\00")
(global $NOTHING_AT i32 (i32.const 592)) (data (i32.const 592) "nothing at `\00")

;; The part, step by step; 0 where there is none.
(func $part (param $value i64) (param $path i64) (result i64)
  (local $at i32) (local $end i32) (local $start i32) (local $step i64)
  (local.set $at (call $at (local.get $path)))
  (local.set $end (i32.add (local.get $at) (call $len (local.get $path))))
  (loop $steps
    (local.set $start (local.get $at))
    (block $stepped
      (loop $more
        (br_if $stepped (i32.eq (local.get $at) (local.get $end)))
        (br_if $stepped (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2e (;.;))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $more)))
    (local.set $step (call $slice (local.get $start) (i32.sub (local.get $at) (local.get $start))))
    (local.set $value
      (if (result i64) (call $is_list (local.get $value))
        (then (call $item_at (local.get $value) (local.get $step)))
        (else (call $get (local.get $value) (local.get $step)))))
    (if (i32.ne (local.get $at) (local.get $end))
      (then
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $steps))))
  (local.get $value))

;; The item at a position in ASCII digits; 0 where the step is none, or beyond the list.
(func $item_at (param $list i64) (param $step i64) (result i64)
  (local $is_whole i32) (local $position i64) (local $walk i32) (local $item i64)
  (call $whole (local.get $step))
  (local.set $position) (local.set $is_whole)
  ;; $whole takes a sign too.
  (if (i32.eqz (i32.and (local.get $is_whole) (call $is_digit (call $first (local.get $step)))))
    (then (return (i64.const 0))))
  (local.set $walk (call $open (local.get $list)))
  (block $end
    (loop $more
      (br_if $end (i32.eqz (local.get $walk)))
      (call $item (local.get $walk))
      (local.set $walk) (local.set $item)
      (if (i64.eqz (local.get $position)) (then (return (local.get $item))))
      (local.set $position (i64.sub (local.get $position) (i64.const 1)))
      (br $more)))
  (i64.const 0))
