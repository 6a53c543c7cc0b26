;; The host's columns: everything has one value a peer, in ascending order of hostname.

;; A column: where its doubles are and how many. 0 and 0 where there is none. The first call asks for the size only.
(func $column (param $name i64) (result i32 i32)
  (local $count i32) (local $values i32)
  (local.set $count
    (call $host_column (call $at (local.get $name)) (call $len (local.get $name)) (i32.const 0) (i32.const 0)))
  (if (i32.lt_s (local.get $count) (i32.const 0)) (then (return (i32.const 0) (i32.const 0))))
  (local.set $values (call $take (i32.shl (local.get $count) (i32.const 3))))
  (drop
    (call $host_column (call $at (local.get $name)) (call $len (local.get $name)) (local.get $values) (local.get $count)))
  (local.get $values)
  (local.get $count))

;; An attribute, `hostname` among them: where its slices are, 8 bytes each, and how many. 0 and 0 where it is unknown. The host packs
;; them: each text behind its length.
(func $attribute (param $name i64) (result i32 i32)
  (local $size i32) (local $at i32) (local $end i32) (local $texts i32)
  (local.set $size
    (call $host_attribute (call $at (local.get $name)) (call $len (local.get $name)) (i32.const 0) (i32.const 0)))
  (if (i32.lt_s (local.get $size) (i32.const 0)) (then (return (i32.const 0) (i32.const 0))))
  (local.set $at (call $take (local.get $size)))
  (local.set $end (i32.add (local.get $at) (local.get $size)))
  (drop
    (call $host_attribute (call $at (local.get $name)) (call $len (local.get $name)) (local.get $at) (local.get $size)))
  (local.set $texts (call $take (i32.const 0)))
  (block $read
    (loop $more
      (br_if $read (i32.eq (local.get $at) (local.get $end)))
      (i64.store (call $take (i32.const 8)) (call $slice (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at))))
      (local.set $at (i32.add (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at))))
      (br $more)))
  (local.get $texts)
  (i32.shr_u (i32.sub (global.get $next) (local.get $texts)) (i32.const 3)))
