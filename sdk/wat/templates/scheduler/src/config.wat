;; The manifest's `config`: {"max_busy": n}.

;; The busiest that a peer may be to get another instance: a share, above 0 and at most 1.
(global $max_busy (mut f64) (f64.const 0.9))

;; Reads it; gives 0 or the error.
(func $read_config (param $config i64) (result i64)
  (local $members i32) (local $end i32) (local $count i32) (local $error i32)
  (global.set $max_busy (f64.const 0.9))
  (call $sorted (local.get $config))
  (local.set $count) (local.set $members)
  (local.set $end (i32.add (local.get $members) (i32.shl (local.get $count) (i32.const 4))))
  (block $all_known
    (loop $more
      (br_if $all_known (i32.eq (local.get $members) (local.get $end)))
      (if (i32.eqz (call $equal (i64.load (local.get $members)) (call $z (global.get $MAX_BUSY))))
        (then
          (local.set $error (call $begin (i32.const 1)))
          (call $say (global.get $UNKNOWN_KEY))
          (call $put (i64.load (local.get $members)))
          (call $say (global.get $EXPECTED))
          (return (call $done (local.get $error)))))
      (local.set $members (i32.add (local.get $members) (i32.const 16)))
      (br $more)))
  (if (i32.eqz (local.get $count)) (then (return (i64.const 0))))
  (local.set $config (call $get (local.get $config) (call $z (global.get $MAX_BUSY))))
  (if (call $is_number (local.get $config))
    (then
      (global.set $max_busy (call $number (local.get $config)))
      (if (i32.and (f64.gt (global.get $max_busy) (f64.const 0)) (f64.le (global.get $max_busy) (f64.const 1)))
        (then (return (i64.const 0))))))
  (local.set $error (call $begin (i32.const 1)))
  (call $say (global.get $RANGE))
  (call $done (local.get $error)))

(global $MAX_BUSY i32 (i32.const 440)) (data (i32.const 440) "max_busy\00")
(global $UNKNOWN_KEY i32 (i32.const 456)) (data (i32.const 456) "config: unknown key \00")
(global $EXPECTED i32 (i32.const 480)) (data (i32.const 480) ", expected max_busy\00")
(global $RANGE i32 (i32.const 504)) (data (i32.const 504) "config: max_busy must be a number above 0 and at most 1\00")
