;; Memory, and how an argument comes in and an answer goes out.
;;
;; Addresses below 4096 are for constants: 0 to 15 stay zero, 16 to 255 and 3840 to 4095 are the library's, the rest is the plugin's. A
;; constant ends with a zero byte; its address has a name in capitals. From 4096 on memory is taken upwards and never freed one by one:
;; when the host holds neither argument nor answer any more, all of it is free again.
;;
;; A SLICE is an address and a length in one i64, the way the ABI packs answers: the low half the address, the high half the length.
;; 0 is "nothing".

(memory (export "memory") 1)

(global $next (mut i32) (i32.const 4096)) ;; where the next byte goes
(global $held (mut i32) (i32.const 0))    ;; how many blocks the host holds

;; Marks the ABI and its version.
(func (export "vw_abi_1"))

;; Room for an argument, and a zero behind it: what reads a number never runs past the document.
(func (export "vw_alloc") (param $len i32) (result i32)
  (local $at i32)
  (local.set $at (call $take (i32.add (local.get $len) (i32.const 1))))
  (i32.store8 (i32.add (local.get $at) (local.get $len)) (i32.const 0))
  (global.set $held (i32.add (global.get $held) (i32.ne (local.get $len) (i32.const 0))))
  (local.get $at))

;; A block of no bytes is none: hosts may free it or not.
(func (export "vw_free") (param $at i32) (param $len i32)
  (if (i32.eqz (local.get $len)) (then (return)))
  (global.set $held (i32.sub (global.get $held) (i32.const 1)))
  (if (i32.le_s (global.get $held) (i32.const 0))
    (then
      (global.set $held (i32.const 0))
      (global.set $next (i32.const 4096)))))

;; Sees to it that so many bytes can be written at $next. Where the host gives no more memory, the call ends here.
(func $room (param $bytes i32)
  (local $missing i32)
  (local.set $missing
    (i32.sub (i32.add (global.get $next) (local.get $bytes)) (i32.shl (memory.size) (i32.const 16))))
  (if (i32.gt_s (local.get $missing) (i32.const 0))
    (then
      (if (i32.eq
            (memory.grow (i32.shr_u (i32.add (local.get $missing) (i32.const 65535)) (i32.const 16)))
            (i32.const -1))
        (then (unreachable))))))

;; So many bytes, aligned for anything, holding whatever was there.
(func $take (param $bytes i32) (result i32)
  (local $at i32)
  (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
  (call $room (local.get $bytes))
  (local.set $at (global.get $next))
  (global.set $next (i32.add (local.get $at) (local.get $bytes)))
  (local.get $at))

(func $slice (param $at i32) (param $len i32) (result i64)
  (i64.or
    (i64.shl (i64.extend_i32_u (local.get $len)) (i64.const 32))
    (i64.extend_i32_u (local.get $at))))

(func $at (param $slice i64) (result i32) (i32.wrap_i64 (local.get $slice)))

(func $len (param $slice i64) (result i32) (i32.wrap_i64 (i64.shr_u (local.get $slice) (i64.const 32))))

;; The slice of a constant that ends with a zero byte.
(func $z (param $at i32) (result i64)
  (local $end i32)
  (local.set $end (local.get $at))
  (block $found
    (loop $more
      (br_if $found (i32.eqz (i32.load8_u (local.get $end))))
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br $more)))
  (call $slice (local.get $at) (i32.sub (local.get $end) (local.get $at))))
