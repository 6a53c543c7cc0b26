;; Decimal digits to the nearest double, ties to even: exactly, with digits alone.
;;
;; The number is kept as 0.DIGITS times ten to the power of $point. It is halved or doubled until it lies between 0.5 and 1, and then
;; doubled as often as a double has bits there; its whole part, rounded, is the double's. Slow for numbers like 1e300, which hardly stand
;; in a configuration; a double's middle has 768 digits at most, so further ones only count as one that is not 0.

(global $digits (mut i32) (i32.const 0)) ;; where they are, one a byte
(global $used (mut i32) (i32.const 0))   ;; how many; the last is not 0
(global $point (mut i32) (i32.const 0))

(func $number (param $number i64) (result f64)
  (local $power i32) (local $bits i32) (local $whole i64) (local $mark i32) (local $value f64)
  (local.set $mark (global.get $next))
  (global.set $digits (call $take (i32.const 2048)))
  (call $read_digits (local.get $number))
  (block $zero
    (br_if $zero (i32.eqz (global.get $used)))
    (br_if $zero (i32.lt_s (global.get $point) (i32.const -330)))
    (if (i32.gt_s (global.get $point) (i32.const 310)) (then (return (f64.const inf))))
    (block $small
      (loop $more
        (br_if $small (i32.le_s (global.get $point) (i32.const 0)))
        (call $halve)
        (local.set $power (i32.add (local.get $power) (i32.const 1)))
        (br $more)))
    (block $normal
      (loop $more
        (br_if $normal
          (i32.and (i32.eqz (global.get $point)) (i32.ge_u (i32.load8_u (global.get $digits)) (i32.const 5))))
        (call $double)
        (local.set $power (i32.sub (local.get $power) (i32.const 1)))
        (br $more)))
    ;; Below 2^-1022 a double has fewer bits.
    (local.set $bits (i32.const 53))
    (if (i32.lt_s (local.get $power) (i32.const -1021))
      (then (local.set $bits (i32.add (local.get $power) (i32.const 1074)))))
    (br_if $zero (i32.lt_s (local.get $bits) (i32.const 0)))
    (local.set $power (i32.sub (local.get $power) (local.get $bits)))
    (block $taken
      (loop $more
        (br_if $taken (i32.eqz (local.get $bits)))
        (call $double)
        (local.set $bits (i32.sub (local.get $bits) (i32.const 1)))
        (br $more)))
    (local.set $value (f64.convert_i64_u (call $rounded)))
    (block $scaled
      (loop $more
        (br_if $scaled (i32.eqz (local.get $power)))
        (if (i32.gt_s (local.get $power) (i32.const 0))
          (then
            (local.set $value (f64.mul (local.get $value) (f64.const 2)))
            (local.set $power (i32.sub (local.get $power) (i32.const 1))))
          (else
            (local.set $value (f64.mul (local.get $value) (f64.const 0.5)))
            (local.set $power (i32.add (local.get $power) (i32.const 1)))))
        (br $more))))
  (global.set $next (local.get $mark))
  (if (i32.eq (call $first (local.get $number)) (i32.const 0x2d (;-;)))
    (then (local.set $value (f64.neg (local.get $value)))))
  (local.get $value))

;; Takes the digits from a JSON number.
(func $read_digits (param $number i64)
  (local $at i32) (local $end i32) (local $c i32) (local $fraction i32) (local $exponent i32) (local $below i32)
  (global.set $used (i32.const 0))
  (global.set $point (i32.const 0))
  (local.set $at (call $at (local.get $number)))
  (local.set $end (i32.add (local.get $at) (call $len (local.get $number))))
  (block $read
    (loop $more
      (br_if $read (i32.eq (local.get $at) (local.get $end)))
      (local.set $c (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (if (i32.eq (local.get $c) (i32.const 0x2e (;.;))) (then (local.set $fraction (i32.const 1))))
      (if (call $is_digit (local.get $c))
        (then
          ;; Zeros at the beginning only move the point.
          (if (i32.or (global.get $used) (i32.ne (local.get $c) (i32.const 0x30)))
            (then
              (if (i32.eqz (local.get $fraction)) (then (global.set $point (i32.add (global.get $point) (i32.const 1)))))
              (if (i32.lt_u (global.get $used) (i32.const 800))
                (then
                  (i32.store8 (i32.add (global.get $digits) (global.get $used)) (i32.sub (local.get $c) (i32.const 0x30)))
                  (global.set $used (i32.add (global.get $used) (i32.const 1))))
                (else
                  (if (i32.ne (local.get $c) (i32.const 0x30))
                    (then (i32.store8 (i32.add (global.get $digits) (i32.const 799)) (i32.const 1)))))))
            (else
              (if (local.get $fraction) (then (global.set $point (i32.sub (global.get $point) (i32.const 1)))))))))
      (br_if $more (i32.ne (i32.or (local.get $c) (i32.const 0x20)) (i32.const 0x65 (;e;)))))
    ;; An exponent: far beyond the doubles it does not matter how far.
    (loop $more
      (if (i32.ne (local.get $at) (local.get $end))
        (then
          (local.set $c (i32.load8_u (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (if (i32.eq (local.get $c) (i32.const 0x2d)) (then (local.set $below (i32.const 1))))
          (if (i32.and (call $is_digit (local.get $c)) (i32.lt_s (local.get $exponent) (i32.const 10000000)))
            (then
              (local.set $exponent
                (i32.add (i32.mul (local.get $exponent) (i32.const 10)) (i32.sub (local.get $c) (i32.const 0x30))))))
          (br $more)))))
  (global.set $point
    (i32.add (global.get $point)
      (select (i32.sub (i32.const 0) (local.get $exponent)) (local.get $exponent) (local.get $below))))
  (call $trim))

;; Takes zeros from the end.
(func $trim
  (loop $more
    (if (global.get $used)
      (then
        (if (i32.eqz (i32.load8_u (i32.sub (i32.add (global.get $digits) (global.get $used)) (i32.const 1))))
          (then
            (global.set $used (i32.sub (global.get $used) (i32.const 1)))
            (br $more)))))))

(func $double
  (local $i i32) (local $digit i32) (local $carry i32)
  (local.set $i (i32.add (global.get $digits) (global.get $used)))
  (loop $more
    (local.set $i (i32.sub (local.get $i) (i32.const 1)))
    (local.set $digit (i32.add (i32.shl (i32.load8_u (local.get $i)) (i32.const 1)) (local.get $carry)))
    (local.set $carry (i32.ge_u (local.get $digit) (i32.const 10)))
    (i32.store8 (local.get $i) (i32.rem_u (local.get $digit) (i32.const 10)))
    (br_if $more (i32.ne (local.get $i) (global.get $digits))))
  (if (local.get $carry)
    (then
      (memory.copy (i32.add (global.get $digits) (i32.const 1)) (global.get $digits) (global.get $used))
      (i32.store8 (global.get $digits) (i32.const 1))
      (global.set $used (i32.add (global.get $used) (i32.const 1)))
      (global.set $point (i32.add (global.get $point) (i32.const 1)))))
  (call $trim))

(func $halve
  (local $i i32) (local $end i32) (local $digit i32) (local $rest i32)
  (local.set $i (global.get $digits))
  (local.set $end (i32.add (global.get $digits) (global.get $used)))
  (loop $more
    (local.set $digit (i32.add (i32.mul (local.get $rest) (i32.const 10)) (i32.load8_u (local.get $i))))
    (i32.store8 (local.get $i) (i32.shr_u (local.get $digit) (i32.const 1)))
    (local.set $rest (i32.and (local.get $digit) (i32.const 1)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.ne (local.get $i) (local.get $end))))
  (if (local.get $rest)
    (then
      (i32.store8 (local.get $end) (i32.const 5))
      (global.set $used (i32.add (global.get $used) (i32.const 1)))))
  (if (i32.eqz (i32.load8_u (global.get $digits)))
    (then
      (global.set $used (i32.sub (global.get $used) (i32.const 1)))
      (memory.copy (global.get $digits) (i32.add (global.get $digits) (i32.const 1)) (global.get $used))
      (global.set $point (i32.sub (global.get $point) (i32.const 1))))))

;; The whole part, rounded to even.
(func $rounded (result i64)
  (local $i i32) (local $whole i64) (local $digit i32)
  (block $end
    (loop $more
      (br_if $end (i32.ge_s (local.get $i) (global.get $point)))
      (local.set $whole
        (i64.add (i64.mul (local.get $whole) (i64.const 10)) (i64.extend_i32_u (call $digit (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (local.set $digit (call $digit (local.get $i)))
  (if (i32.and (i32.eq (local.get $digit) (i32.const 5)) (i32.eq (i32.add (local.get $i) (i32.const 1)) (global.get $used)))
    (then (return (i64.add (local.get $whole) (i64.and (local.get $whole) (i64.const 1))))))
  (i64.add (local.get $whole) (i64.extend_i32_u (i32.ge_u (local.get $digit) (i32.const 5)))))

;; Digit number $i, 0 behind the last.
(func $digit (param $i i32) (result i32)
  (if (result i32) (i32.lt_u (local.get $i) (global.get $used))
    (then (i32.load8_u (i32.add (global.get $digits) (local.get $i))))
    (else (i32.const 0))))

;; Whether a value is a whole number, and which; 10^17 for all that are larger. `2`, `2.0` and `2e0` are the same number.
(func $integer (param $value i64) (result i32 i64)
  (local $mark i32) (local $is i32) (local $i i32) (local $number i64)
  (if (i32.eqz (call $is_number (local.get $value))) (then (return (i32.const 0) (i64.const 0))))
  (local.set $mark (global.get $next))
  (global.set $digits (call $take (i32.const 2048)))
  (call $read_digits (local.get $value))
  (local.set $is (i32.or (i32.eqz (global.get $used)) (i32.ge_s (global.get $point) (global.get $used))))
  (if (i32.and (local.get $is) (i32.ne (global.get $used) (i32.const 0)))
    (then
      (loop $more
        (local.set $number
          (i64.add (i64.mul (local.get $number) (i64.const 10)) (i64.extend_i32_u (call $digit (local.get $i)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more
          (i32.and
            (i32.lt_s (local.get $i) (global.get $point))
            (i64.lt_u (local.get $number) (i64.const 100000000000000000)))))
      (if (i64.gt_u (local.get $number) (i64.const 100000000000000000))
        (then (local.set $number (i64.const 100000000000000000))))
      (if (i32.eq (call $first (local.get $value)) (i32.const 0x2d (;-;)))
        (then (local.set $number (i64.sub (i64.const 0) (local.get $number)))))))
  (global.set $next (local.get $mark))
  (local.get $is)
  (local.get $number))
