;; `slug text`: ASCII letters in lower case and digits; each run of anything else becomes one `-`, none at the beginning or the end.

(func $slug (param $args i64) (result i64)
  (local $error i64) (local $text i64) (local $i i32) (local $c i32) (local $gap i32) (local $start i32)
  (local.set $error (call $read_args (local.get $args) (global.get $SLUG) (global.get $SLUG_TAKES)))
  (if (i64.ne (local.get $error) (i64.const 0)) (then (return (local.get $error))))
  (if (i32.eqz (call $is_text (call $arg (i32.const 0))))
    (then (return (call $wrong (i32.const 0) (global.get $A_TEXT)))))
  (local.set $text (call $text (call $arg (i32.const 0))))
  (local.set $start (call $begin (i32.const 0)))
  (call $byte (i32.const 0x22))
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $i) (call $len (local.get $text))))
      (local.set $c (i32.load8_u (i32.add (call $at (local.get $text)) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (if (i32.lt_u (i32.sub (local.get $c) (i32.const 0x41 (;A;))) (i32.const 26))
        (then (local.set $c (i32.add (local.get $c) (i32.const 0x20)))))
      (if (i32.eqz
            (i32.or (i32.lt_u (i32.sub (local.get $c) (i32.const 0x61 (;a;))) (i32.const 26)) (call $is_digit (local.get $c))))
        (then
          (local.set $gap (i32.const 1))
          (br $more)))
      ;; What lies between the quote and here is not empty.
      (if (i32.and (local.get $gap)
            (i32.ne (i32.sub (global.get $next) (local.get $start)) (i32.const 2)))
        (then (call $byte (i32.const 0x2d (;-;)))))
      (local.set $gap (i32.const 0))
      (call $byte (local.get $c))
      (br $more)))
  (call $byte (i32.const 0x22))
  (call $done (local.get $start)))

(global $SLUG_TAKES i32 (i32.const 432)) (data (i32.const 432) "text\00")
