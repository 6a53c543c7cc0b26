;; Texts: compared, counted in characters, and written.
;;
;; What is written goes to $next, so one thing at a time: between the beginning of an answer and its end nothing else may take memory.
;; In particular $text (json.wat) may: read first, then write.

;; Below, equal to or above 0: the order of bytes.
(func $compare (param $a i64) (param $b i64) (result i32)
  (local $i i32) (local $shared i32) (local $order i32)
  (local.set $shared
    (select (call $len (local.get $a)) (call $len (local.get $b))
      (i32.lt_u (call $len (local.get $a)) (call $len (local.get $b)))))
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $i) (local.get $shared)))
      (local.set $order
        (i32.sub
          (i32.load8_u (i32.add (call $at (local.get $a)) (local.get $i)))
          (i32.load8_u (i32.add (call $at (local.get $b)) (local.get $i)))))
      (if (local.get $order) (then (return (local.get $order))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (i32.sub (call $len (local.get $a)) (call $len (local.get $b))))

(func $equal (param $a i64) (param $b i64) (result i32)
  (i32.eqz (call $compare (local.get $a) (local.get $b))))

;; Where character number $count begins, or where the text ends: a character begins at every byte that is not 10xxxxxx.
(func $after_chars (param $text i64) (param $count i64) (result i32)
  (local $at i32) (local $end i32)
  (local.set $at (call $at (local.get $text)))
  (local.set $end (i32.add (local.get $at) (call $len (local.get $text))))
  (block $found
    (loop $more
      (br_if $found (i32.eq (local.get $at) (local.get $end)))
      (if (i32.ne (i32.and (i32.load8_u (local.get $at)) (i32.const 0xc0)) (i32.const 0x80))
        (then
          (br_if $found (i64.eqz (local.get $count)))
          (local.set $count (i64.sub (local.get $count) (i64.const 1)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $more)))
  (local.get $at))

;; The first $count characters, or all.
(func $first_chars (param $text i64) (param $count i64) (result i64)
  (call $slice (call $at (local.get $text))
    (i32.sub (call $after_chars (local.get $text) (local.get $count)) (call $at (local.get $text)))))

(func $chars (param $text i64) (result i64)
  (local $i i32) (local $chars i64)
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $i) (call $len (local.get $text))))
      (local.set $chars
        (i64.add (local.get $chars)
          (i64.extend_i32_u
            (i32.ne
              (i32.and (i32.load8_u (i32.add (call $at (local.get $text)) (local.get $i))) (i32.const 0xc0))
              (i32.const 0x80)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (local.get $chars))

(func $byte (param $byte i32)
  (call $room (i32.const 1))
  (i32.store8 (global.get $next) (local.get $byte))
  (global.set $next (i32.add (global.get $next) (i32.const 1))))

;; Writes a slice as it is.
(func $put (param $slice i64)
  (call $room (call $len (local.get $slice)))
  (memory.copy (global.get $next) (call $at (local.get $slice)) (call $len (local.get $slice)))
  (global.set $next (i32.add (global.get $next) (call $len (local.get $slice)))))

;; Writes a constant.
(func $say (param $at i32)
  (call $put (call $z (local.get $at))))

;; Writes a whole number of at least 0.
(func $put_integer (param $number i64)
  (if (i64.ge_u (local.get $number) (i64.const 10))
    (then (call $put_integer (i64.div_u (local.get $number) (i64.const 10)))))
  (call $byte
    (i32.add (i32.const 0x30 (;0;)) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10))))))

;; Writes a text as it stands within quotes in JSON.
(func $escape (param $text i64)
  (local $i i32) (local $c i32)
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $i) (call $len (local.get $text))))
      (local.set $c (i32.load8_u (i32.add (call $at (local.get $text)) (local.get $i))))
      (if (i32.lt_u (local.get $c) (i32.const 0x20))
        (then
          (call $say (i32.const 16)) ;; \u00
          (call $hex (i32.shr_u (local.get $c) (i32.const 4)))
          (call $hex (i32.and (local.get $c) (i32.const 15))))
        (else
          (if (i32.or (i32.eq (local.get $c) (i32.const 0x22 (;";))) (i32.eq (local.get $c) (i32.const 0x5c (;\;))))
            (then (call $byte (i32.const 0x5c))))
          (call $byte (local.get $c))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more))))

(data (i32.const 16) "\\u00\00")

;; Writes one hexadecimal digit: those from 10 on are 39 characters further.
(func $hex (param $digit i32)
  (call $byte
    (i32.add (i32.add (i32.const 0x30) (local.get $digit))
      (i32.mul (i32.const 39) (i32.gt_u (local.get $digit) (i32.const 9))))))

;; Writes a text as JSON.
(func $quote (param $text i64)
  (call $byte (i32.const 0x22))
  (call $escape (local.get $text))
  (call $byte (i32.const 0x22)))

;; Writes a comma, unless what was just begun is a list or mapping: `{` and `[` differ in one bit.
(func $comma
  (if (i32.ne
        (i32.or (i32.load8_u (i32.sub (global.get $next) (i32.const 1))) (i32.const 0x20))
        (i32.const 0x7b))
    (then (call $byte (i32.const 0x2c)))))

;; Begins an answer (0) or an error (1); what it gives, $done wants.
(func $begin (param $refused i32) (result i32)
  (local $start i32)
  (local.set $start (global.get $next))
  (call $byte (local.get $refused))
  (local.get $start))

;; Ends an answer or error. The host holds it until it frees it.
(func $done (param $start i32) (result i64)
  (global.set $held (i32.add (global.get $held) (i32.const 1)))
  (call $slice (local.get $start) (i32.sub (global.get $next) (local.get $start))))

;; An answer of one constant.
(func $constant (param $at i32) (result i64)
  (local $start i32)
  (local.set $start (call $begin (i32.const 0)))
  (call $say (local.get $at))
  (call $done (local.get $start)))
