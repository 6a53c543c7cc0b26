;; JSON, read. A value is the slice of the document where it stands, from its first byte to its last; a value that is not there is 0.
;;
;; The host sends sound JSON; this reader relies on it and checks nothing twice. Like every plugin it runs within limits: what a
;; document that is none could do is end the call.

;; Its first byte says what a value is: { [ " t f n, or a number's - or digit. 0 where it is not there: address 0 holds a 0.
(func $first (param $value i64) (result i32)
  (i32.load8_u (call $at (local.get $value))))

(func $is_mapping (param $value i64) (result i32) (i32.eq (call $first (local.get $value)) (i32.const 0x7b (;{;))))
(func $is_list    (param $value i64) (result i32) (i32.eq (call $first (local.get $value)) (i32.const 0x5b (;[;))))
(func $is_text    (param $value i64) (result i32) (i32.eq (call $first (local.get $value)) (i32.const 0x22 (;";))))

(func $is_number (param $value i64) (result i32)
  (i32.or
    (i32.eq (call $first (local.get $value)) (i32.const 0x2d (;-;)))
    (call $is_digit (call $first (local.get $value)))))

(func $is_digit (param $c i32) (result i32)
  (i32.lt_u (i32.sub (local.get $c) (i32.const 0x30)) (i32.const 10)))

;; Behind white space.
(func $blank (param $at i32) (result i32)
  (local $c i32)
  (loop $more
    (local.set $c (i32.load8_u (local.get $at)))
    (if (i32.and (i32.le_u (local.get $c) (i32.const 0x20)) (i32.ne (local.get $c) (i32.const 0)))
      (then
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $more))))
  (local.get $at))

;; Behind the text that begins at $at.
(func $skip_text (param $at i32) (result i32)
  (local $c i32)
  (loop $more
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (local.set $c (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $c) (i32.const 0x5c (;\;)))
      (then
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $more)))
    (br_if $more (i32.ne (local.get $c) (i32.const 0x22))))
  (i32.add (local.get $at) (i32.const 1)))

;; Behind the value that begins at $at. `{` and `[`, `}` and `]` differ in the bit 0x20.
(func $skip (param $at i32) (result i32)
  (local $c i32) (local $depth i32)
  (loop $more
    (local.set $c (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $c) (i32.const 0x22))
      (then (local.set $at (call $skip_text (local.get $at))))
      (else
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $c (i32.or (local.get $c) (i32.const 0x20)))
        (local.set $depth
          (i32.sub
            (i32.add (local.get $depth) (i32.eq (local.get $c) (i32.const 0x7b)))
            (i32.eq (local.get $c) (i32.const 0x7d))))
        ;; A number or word outside of everything goes on until something that is part of none.
        (if (i32.eqz (i32.or (local.get $depth) (i32.eq (local.get $c) (i32.const 0x7d))))
          (then
            (local.set $c (i32.load8_u (local.get $at)))
            (br_if $more
              (i32.and
                (i32.and (i32.gt_u (local.get $c) (i32.const 0x20)) (i32.ne (local.get $c) (i32.const 0x2c (;,;))))
                (i32.ne (i32.or (local.get $c) (i32.const 0x20)) (i32.const 0x7d))))))))
    (br_if $more (local.get $depth)))
  (local.get $at))

;; The value that an argument holds.
(func $document (param $at i32) (result i64)
  (local.set $at (call $blank (local.get $at)))
  (call $slice (local.get $at) (i32.sub (call $skip (local.get $at)) (local.get $at))))

;; Walking over a mapping or list: $open gives the place of the first member or item, and each step the place of the next; 0 is the end.
;;
;;     (local.set $walk (call $open (local.get $mapping)))
;;     (block $end (loop $more
;;       (br_if $end (i32.eqz (local.get $walk)))
;;       (call $member (local.get $walk)) (local.set $walk) (local.set $value) (local.set $key)
;;       …
;;       (br $more)))

(func $open (param $value i64) (result i32)
  (local $at i32)
  (if (i32.ne (i32.or (call $first (local.get $value)) (i32.const 0x20)) (i32.const 0x7b)) (then (return (i32.const 0))))
  (local.set $at (call $blank (i32.add (call $at (local.get $value)) (i32.const 1))))
  (if (i32.eq (i32.or (i32.load8_u (local.get $at)) (i32.const 0x20)) (i32.const 0x7d)) (then (return (i32.const 0))))
  (local.get $at))

;; An item and the place of the next.
(func $item (param $at i32) (result i64 i32)
  (local $end i32)
  (local.set $end (call $skip (local.get $at)))
  (call $slice (local.get $at) (i32.sub (local.get $end) (local.get $at)))
  (local.set $end (call $blank (local.get $end)))
  (if (result i32) (i32.eq (i32.load8_u (local.get $end)) (i32.const 0x2c))
    (then (call $blank (i32.add (local.get $end) (i32.const 1))))
    (else (i32.const 0))))

;; A member's key, which is a text like any other value, its value, and the place of the next.
(func $member (param $at i32) (result i64 i64 i32)
  (local $end i32)
  (local.set $end (call $skip_text (local.get $at)))
  (call $slice (local.get $at) (i32.sub (local.get $end) (local.get $at)))
  (call $item (call $blank (i32.add (call $blank (local.get $end)) (i32.const 1)))))

;; How many members or items there are; 0 for anything else.
(func $count (param $value i64) (result i32)
  (local $walk i32) (local $count i32)
  (local.set $walk (call $open (local.get $value)))
  (block $end
    (loop $more
      (br_if $end (i32.eqz (local.get $walk)))
      (if (call $is_mapping (local.get $value))
        (then (call $member (local.get $walk)) (local.set $walk) (drop) (drop))
        (else (call $item (local.get $walk)) (local.set $walk) (drop)))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br $more)))
  (local.get $count))

;; The member of a mapping; 0 where there is none, and where $value is no mapping.
(func $get (param $value i64) (param $name i64) (result i64)
  (local $walk i32) (local $key i64)
  (if (i32.eqz (call $is_mapping (local.get $value))) (then (return (i64.const 0))))
  (local.set $walk (call $open (local.get $value)))
  (block $end
    (loop $more
      (br_if $end (i32.eqz (local.get $walk)))
      (call $member (local.get $walk))
      (local.set $walk) (local.set $value) (local.set $key)
      (if (call $equal (call $text (local.get $key)) (local.get $name)) (then (return (local.get $value))))
      (br $more)))
  (i64.const 0))

;; A text without its quotes: a part of the document where it has no escapes, else new at $next. "" where it is no text.
(func $text (param $value i64) (result i64)
  (local $at i32) (local $end i32) (local $start i32) (local $c i32)
  (if (i32.eqz (call $is_text (local.get $value))) (then (return (i64.const 0))))
  (local.set $at (i32.add (call $at (local.get $value)) (i32.const 1)))
  (local.set $end (i32.sub (i32.add (local.get $at) (call $len (local.get $value))) (i32.const 2)))
  (local.set $value (call $slice (local.get $at) (i32.sub (local.get $end) (local.get $at))))
  (local.set $start (global.get $next))
  (block $plain
    (loop $search
      (br_if $plain (i32.eq (local.get $at) (local.get $end)))
      (local.set $c (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $search (i32.ne (local.get $c) (i32.const 0x5c (;\;)))))
    (local.set $at (call $at (local.get $value)))
    (loop $more
      (local.set $c (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $c) (i32.const 0x5c))
        (then (local.set $at (call $unescape (i32.add (local.get $at) (i32.const 1)))))
        (else
          (call $byte (local.get $c))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))))
      (br_if $more (i32.ne (local.get $at) (local.get $end))))
    (return (call $slice (local.get $start) (i32.sub (global.get $next) (local.get $start)))))
  (local.get $value))

;; Writes what the escape stands for whose letter is at $at; gives the place behind it.
(func $unescape (param $at i32) (result i32)
  (local $c i32) (local $point i32) (local $i i32)
  (local.set $c (i32.load8_u (local.get $at)))
  (local.set $at (i32.add (local.get $at) (i32.const 1)))
  (if (i32.ne (local.get $c) (i32.const 0x75 (;u;)))
    (then
      ;; Pairs of a letter and what it stands for; what is not among them stands for itself.
      (block $found
        (loop $more
          (br_if $found (i32.eq (i32.load8_u offset=24 (local.get $i)) (local.get $c)))
          (local.set $i (i32.add (local.get $i) (i32.const 2)))
          (br_if $more (i32.lt_u (local.get $i) (i32.const 10))))
        (call $byte (local.get $c))
        (return (local.get $at)))
      (call $byte (i32.load8_u offset=25 (local.get $i)))
      (return (local.get $at))))
  (local.set $point (call $unit (local.get $at)))
  (local.set $at (i32.add (local.get $at) (i32.const 4)))
  ;; A high surrogate has its low one behind it, and the two are one character.
  (if (i32.eq (i32.and (local.get $point) (i32.const 0xfc00)) (i32.const 0xd800))
    (then
      (local.set $point
        (i32.add (i32.const 0x10000)
          (i32.or
            (i32.shl (i32.and (local.get $point) (i32.const 0x3ff)) (i32.const 10))
            (i32.and (call $unit (i32.add (local.get $at) (i32.const 2))) (i32.const 0x3ff)))))
      (local.set $at (i32.add (local.get $at) (i32.const 6)))))
  (call $put_char (local.get $point))
  (local.get $at))

(data (i32.const 24) "b\08f\0cn\0ar\0dt\09")

;; Four hexadecimal digits.
(func $unit (param $at i32) (result i32)
  (local $end i32) (local $unit i32) (local $c i32)
  (local.set $end (i32.add (local.get $at) (i32.const 4)))
  (loop $more
    (local.set $c (i32.load8_u (local.get $at)))
    ;; Letters, of either case, are 9 above the digit in their low four bits.
    (local.set $unit
      (i32.add (i32.shl (local.get $unit) (i32.const 4))
        (i32.add (i32.and (local.get $c) (i32.const 15)) (i32.mul (i32.const 9) (i32.gt_u (local.get $c) (i32.const 0x39))))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $more (i32.ne (local.get $at) (local.get $end))))
  (local.get $unit))

;; Writes a character in UTF-8.
(func $put_char (param $point i32)
  (if (i32.lt_u (local.get $point) (i32.const 0x80))
    (then (call $byte (local.get $point)) (return)))
  (if (i32.lt_u (local.get $point) (i32.const 0x800))
    (then (call $byte (i32.or (i32.const 0xc0) (i32.shr_u (local.get $point) (i32.const 6)))))
    (else
      (if (i32.lt_u (local.get $point) (i32.const 0x10000))
        (then (call $byte (i32.or (i32.const 0xe0) (i32.shr_u (local.get $point) (i32.const 12)))))
        (else
          (call $byte (i32.or (i32.const 0xf0) (i32.shr_u (local.get $point) (i32.const 18))))
          (call $continue (i32.shr_u (local.get $point) (i32.const 12)))))
      (call $continue (i32.shr_u (local.get $point) (i32.const 6)))))
  (call $continue (local.get $point)))

(func $continue (param $bits i32)
  (call $byte (i32.or (i32.const 0x80) (i32.and (local.get $bits) (i32.const 0x3f)))))

;; Whether a slice is `[+-]?[0-9]+`, and its value, 10^17 for all that are larger.
(func $whole (param $digits i64) (result i32 i64)
  (local $at i32) (local $end i32) (local $c i32) (local $sign i64) (local $number i64)
  (local.set $at (call $at (local.get $digits)))
  (local.set $end (i32.add (local.get $at) (call $len (local.get $digits))))
  (local.set $sign (i64.const 1))
  (local.set $c (call $first (local.get $digits)))
  (if (i32.or (i32.eq (local.get $c) (i32.const 0x2d (;-;))) (i32.eq (local.get $c) (i32.const 0x2b (;+;))))
    (then
      (if (i32.eq (local.get $c) (i32.const 0x2d)) (then (local.set $sign (i64.const -1))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))))
  (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 0) (i64.const 0))))
  (loop $more
    (local.set $c (i32.load8_u (local.get $at)))
    (if (i32.eqz (call $is_digit (local.get $c))) (then (return (i32.const 0) (i64.const 0))))
    (local.set $number
      (i64.add (i64.mul (local.get $number) (i64.const 10)) (i64.extend_i32_u (i32.sub (local.get $c) (i32.const 0x30)))))
    (if (i64.gt_u (local.get $number) (i64.const 100000000000000000))
      (then (local.set $number (i64.const 100000000000000000))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $at) (local.get $end))))
  (i32.const 1)
  (i64.mul (local.get $sign) (local.get $number)))
