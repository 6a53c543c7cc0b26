;; The arguments of a filter, by position or by name. Errors begin with the filter's name; about an argument they say which it is, what was
;; expected and what came.

(global $filter (mut i32) (i32.const 0))  ;; the filter's name, a constant
(global $names (mut i32) (i32.const 0))   ;; its arguments' names, a constant: "text, length, end"
(global $values (mut i32) (i32.const 0))  ;; a value each, 0 where it was left out
(global $allowed (mut i32) (i32.const 0)) ;; how many it takes

;; Reads a list of arguments for a filter; gives 0 or the error.
(func $read_args (param $list i64) (param $filter_name i32) (param $argument_names i32) (result i64)
  (local $positional i32) (local $named i64) (local $walk i32) (local $i i32)
  (global.set $filter (local.get $filter_name))
  (global.set $names (local.get $argument_names))
  (global.set $allowed (call $count_names))
  (global.set $values (call $take (i32.shl (global.get $allowed) (i32.const 3))))
  (memory.fill (global.get $values) (i32.const 0) (i32.shl (global.get $allowed) (i32.const 3)))
  ;; An object at the end, unless it is the only argument, holds what was given by name.
  (local.set $positional (call $count (local.get $list)))
  (if (i32.gt_u (local.get $positional) (i32.const 1))
    (then
      (local.set $named (call $last (local.get $list)))
      (if (call $is_mapping (local.get $named))
        (then (local.set $positional (i32.sub (local.get $positional) (i32.const 1))))
        (else (local.set $named (i64.const 0))))))
  (if (i32.gt_u (local.get $positional) (global.get $allowed))
    (then (return (call $too_many (local.get $positional)))))
  (local.set $walk (call $open (local.get $list)))
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $i) (local.get $positional)))
      (call $item (local.get $walk))
      (local.set $walk)
      (call $give (local.get $i))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (call $read_named (local.get $named) (local.get $positional)))

;; Sets a value.
(func $give (param $value i64) (param $index i32)
  (i64.store (i32.add (global.get $values) (i32.shl (local.get $index) (i32.const 3))) (local.get $value)))

;; Argument $index, from 0; 0 where it was left out.
(func $arg (param $index i32) (result i64)
  (i64.load (i32.add (global.get $values) (i32.shl (local.get $index) (i32.const 3)))))

(func $last (param $list i64) (result i64)
  (local $walk i32) (local $item i64)
  (local.set $walk (call $open (local.get $list)))
  (loop $more
    (call $item (local.get $walk))
    (local.set $walk) (local.set $item)
    (br_if $more (local.get $walk)))
  (local.get $item))

(func $read_named (param $named i64) (param $positional i32) (result i64)
  (local $member i32) (local $count i32) (local $index i32)
  (call $sorted (local.get $named))
  (local.set $count) (local.set $member)
  (block $end
    (loop $more
      (br_if $end (i32.eqz (local.get $count)))
      (local.set $index (call $index_of (i64.load (local.get $member))))
      (if (i32.lt_s (local.get $index) (i32.const 0))
        (then (return (call $no_argument (i64.load (local.get $member))))))
      (if (i32.lt_u (local.get $index) (local.get $positional))
        (then (return (call $twice (local.get $index)))))
      (call $give (i64.load offset=8 (local.get $member)) (local.get $index))
      (local.set $member (i32.add (local.get $member) (i32.const 16)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $more)))
  (i64.const 0))

;; Name number $index of the names; 0 behind the last.
(func $name_at (param $index i32) (result i64)
  (local $at i32) (local $start i32) (local $c i32)
  (local.set $at (global.get $names))
  (local.set $start (local.get $at))
  (loop $more
    (local.set $c (i32.load8_u (local.get $at)))
    (if (i32.or (i32.eqz (local.get $c)) (i32.eq (local.get $c) (i32.const 0x2c (;,;))))
      (then
        (if (i32.eqz (local.get $index))
          (then (return (call $slice (local.get $start) (i32.sub (local.get $at) (local.get $start))))))
        (if (i32.eqz (local.get $c)) (then (return (i64.const 0))))
        (local.set $index (i32.sub (local.get $index) (i32.const 1)))
        (local.set $start (i32.add (local.get $at) (i32.const 2)))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $more))
  (unreachable))

(func $count_names (result i32)
  (local $count i32)
  (loop $more
    (if (i64.ne (call $name_at (local.get $count)) (i64.const 0))
      (then
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $more))))
  (local.get $count))

;; Which of the names this is; −1: none.
(func $index_of (param $name i64) (result i32)
  (local $i i32)
  (block $none
    (loop $more
      (br_if $none (i32.eq (local.get $i) (global.get $allowed)))
      (if (call $equal (call $name_at (local.get $i)) (local.get $name)) (then (return (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (i32.const -1))

;; Begins an error: the filter's name.
(func $begin_error (result i32)
  (local $start i32)
  (local.set $start (call $begin (i32.const 1)))
  (call $say (global.get $filter))
  (call $say (global.get $ARG_COLON))
  (local.get $start))

(func $too_many (param $got i32) (result i64)
  (local $error i32)
  (local.set $error (call $begin_error))
  (call $say (global.get $ARG_TAKES))
  (call $put_integer (i64.extend_i32_u (global.get $allowed)))
  (call $say (global.get $ARG_ARGUMENTS))
  (call $say (global.get $names))
  (call $say (global.get $ARG_GOT_MANY))
  (call $put_integer (i64.extend_i32_u (local.get $got)))
  (call $done (local.get $error)))

(func $no_argument (param $name i64) (result i64)
  (local $error i32)
  (local.set $error (call $begin_error))
  (call $say (global.get $ARG_NONE))
  (call $put (local.get $name))
  (call $say (global.get $ARG_IT_TAKES))
  (call $say (global.get $names))
  (call $done (local.get $error)))

;; Begins an error about an argument: argument 2 (`length`)
(func $begin_argument (param $index i32) (result i32)
  (local $error i32)
  (local.set $error (call $begin_error))
  (call $say (global.get $ARG_NUMBER))
  (call $put_integer (i64.extend_i32_u (i32.add (local.get $index) (i32.const 1))))
  (call $say (global.get $ARG_NAMED))
  (call $put (call $name_at (local.get $index)))
  (call $say (global.get $ARG_END))
  (local.get $error))

(func $twice (param $index i32) (result i64)
  (local $error i32)
  (local.set $error (call $begin_argument (local.get $index)))
  (call $say (global.get $ARG_TWICE))
  (call $done (local.get $error)))

;; The error that an argument is missing, or is not what was expected; $expected is a constant: "a whole number".
(func $wrong (param $index i32) (param $expected i32) (result i64)
  (local $error i32) (local $value i64) (local $text i64)
  (local.set $value (call $arg (local.get $index)))
  ;; Read first, then write: a text with escapes takes memory.
  (if (call $is_text (local.get $value)) (then (local.set $text (call $text (local.get $value)))))
  (local.set $error (call $begin_argument (local.get $index)))
  (call $say (select (global.get $ARG_MISSING) (global.get $ARG_EXPECTED) (i64.eqz (local.get $value))))
  (call $say (local.get $expected))
  (if (i64.ne (local.get $value) (i64.const 0))
    (then
      (call $say (global.get $ARG_GOT))
      (call $show (local.get $value) (local.get $text))))
  (call $done (local.get $error)))


;; Writes what a value is; $text is the text that it holds, if it does.
(func $show (param $value i64) (param $text i64)
  (if (call $is_list (local.get $value))
    (then (call $say (global.get $ARG_SHOWN_LIST)) (call $put_count (local.get $value)) (return)))
  (if (call $is_mapping (local.get $value))
    (then (call $say (global.get $ARG_SHOWN_MAPPING)) (call $put_count (local.get $value)) (return)))
  (if (call $is_text (local.get $value))
    (then
      (local.set $value (call $first_chars (local.get $text) (i64.const 40)))
      (call $say (global.get $ARG_SHOWN_TEXT))
      (call $show_text (local.get $value))
      (if (i64.ne (local.get $value) (local.get $text)) (then (call $say (global.get $ARG_MORE))))
      (return)))
  (if (call $is_number (local.get $value)) (then (call $say (global.get $ARG_SHOWN_NUMBER))))
  (call $put (local.get $value)))

(func $put_count (param $value i64)
  (call $put_integer (i64.extend_i32_u (call $count (local.get $value)))))

;; Writes a text in quotes, with escapes for people: `\n`, `\u{1b}`.
(func $show_text (param $text i64)
  (local $i i32) (local $c i32)
  (call $byte (i32.const 0x22))
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $i) (call $len (local.get $text))))
      (local.set $c (i32.load8_u (i32.add (call $at (local.get $text)) (local.get $i))))
      (if (i32.or (i32.lt_u (local.get $c) (i32.const 0x20)) (i32.eq (local.get $c) (i32.const 0x7f)))
        (then (call $show_control (local.get $c)))
        (else
          (if (i32.or (i32.eq (local.get $c) (i32.const 0x22)) (i32.eq (local.get $c) (i32.const 0x5c)))
            (then (call $byte (i32.const 0x5c))))
          (call $byte (local.get $c))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (call $byte (i32.const 0x22)))

(func $show_control (param $c i32)
  (local $i i32)
  ;; The last three pairs of json.wat, and zero.
  (local.set $i (i32.const 28))
  (loop $more
    (if (i32.eq (i32.load8_u offset=1 (local.get $i)) (local.get $c))
      (then
        (call $byte (i32.const 0x5c))
        (call $byte (i32.load8_u (local.get $i)))
        (return)))
    (local.set $i (i32.add (local.get $i) (i32.const 2)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 34))))
  (if (i32.eqz (local.get $c))
    (then
      (call $byte (i32.const 0x5c))
      (call $byte (i32.const 0x30))
      (return)))
  (call $say (global.get $ARG_ESCAPE))
  (if (i32.ge_u (local.get $c) (i32.const 16)) (then (call $hex (i32.shr_u (local.get $c) (i32.const 4)))))
  (call $hex (i32.and (local.get $c) (i32.const 15)))
  (call $byte (i32.const 0x7d (;};))))

(global $ARG_COLON i32 (i32.const 3840)) (data (i32.const 3840) ": \00")
(global $ARG_TAKES i32 (i32.const 3843)) (data (i32.const 3843) "takes at most \00")
(global $ARG_ARGUMENTS i32 (i32.const 3858)) (data (i32.const 3858) " arguments (\00")
(global $ARG_GOT_MANY i32 (i32.const 3871)) (data (i32.const 3871) "), got \00")
(global $ARG_NONE i32 (i32.const 3879)) (data (i32.const 3879) "there is no argument `\00")
(global $ARG_IT_TAKES i32 (i32.const 3902)) (data (i32.const 3902) "`; it takes \00")
(global $ARG_NUMBER i32 (i32.const 3915)) (data (i32.const 3915) "argument \00")
(global $ARG_NAMED i32 (i32.const 3925)) (data (i32.const 3925) " (`\00")
(global $ARG_END i32 (i32.const 3929)) (data (i32.const 3929) "`)\00")
(global $ARG_TWICE i32 (i32.const 3932)) (data (i32.const 3932) " is given twice, by position and by name\00")
(global $ARG_MISSING i32 (i32.const 3973)) (data (i32.const 3973) " is missing: expected \00")
(global $ARG_EXPECTED i32 (i32.const 3996)) (data (i32.const 3996) ": expected \00")
(global $ARG_GOT i32 (i32.const 4008)) (data (i32.const 4008) ", got \00")
(global $ARG_SHOWN_NUMBER i32 (i32.const 4015)) (data (i32.const 4015) "the number \00")
(global $ARG_SHOWN_TEXT i32 (i32.const 4027)) (data (i32.const 4027) "the text \00")
(global $ARG_SHOWN_LIST i32 (i32.const 4037)) (data (i32.const 4037) "a list of \00")
(global $ARG_SHOWN_MAPPING i32 (i32.const 4048)) (data (i32.const 4048) "a mapping of \00")
(global $ARG_MORE i32 (i32.const 4062)) (data (i32.const 4062) "…\00")
(global $ARG_ESCAPE i32 (i32.const 4066)) (data (i32.const 4066) "\\u{\00")
