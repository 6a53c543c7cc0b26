;; sample-scheduler: places each role of the runtime metadata on the least busy peers, as evenly as it can, and leaves where it is what
;; stands. This file: what the host calls, and the round from input to answer.
;;
;; The globals in capitals are addresses of constants, which ascend from file to file: a new one goes behind the last.

(func (export "vw_describe") (param i32 i32) (result i64)
  (call $constant (global.get $DESCRIPTION)))

;; Alone at the end: its length changes with the name.
(global $DESCRIPTION i32 (i32.const 3072))
(data (i32.const 3072)
  "{\"name\":\"sample-scheduler\",\"version\":\"0.1.0\",\"kind\":\"scheduler\",\"input\":\"columns\",\"reads\":[\"runtime\"]}\00")

;; An answer without a text: it will do.
(func (export "vw_check_config") (param $at i32) (param $len i32) (result i64)
  (local $error i64)
  (local.set $error (call $read_config (call $document (local.get $at))))
  (if (result i64) (i64.eqz (local.get $error))
    (then (call $done (call $begin (i32.const 0))))
    (else (local.get $error))))

(func (export "vw_schedule") (param $at i32) (param $len i32) (result i64)
  (local $input i64) (local $error i64) (local $busy i32) (local $peers i32) (local $i i32)
  (local.set $input (call $document (local.get $at)))
  (local.set $error (call $read_config (call $get (local.get $input) (call $z (global.get $CONFIG)))))
  (if (i64.ne (local.get $error) (i64.const 0)) (then (return (local.get $error))))
  (local.set $error (call $read_wanted (call $get (local.get $input) (call $z (global.get $RUNTIME)))))
  (if (i64.ne (local.get $error) (i64.const 0)) (then (return (local.get $error))))
  (if (global.get $roles)
    (then
      (call $column (call $z (global.get $CPU)))
      (local.set $peers) (local.set $busy)
      (if (i32.eqz (local.get $busy))
        (then
          (local.set $i (call $begin (i32.const 1)))
          (call $say (global.get $NO_CPU))
          (return (call $done (local.get $i)))))
      (call $rank (local.get $busy) (local.get $peers))
      (block $decided
        (loop $more
          (br_if $decided (i32.eq (local.get $i) (global.get $roles)))
          (call $decide (local.get $i))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $more)))))
  (call $answer))

(global $CONFIG i32 (i32.const 360)) (data (i32.const 360) "config\00")
(global $RUNTIME i32 (i32.const 368)) (data (i32.const 368) "runtime\00")
(global $CPU i32 (i32.const 376)) (data (i32.const 376) "cpu\00")
(global $NO_CPU i32 (i32.const 384)) (data (i32.const 384) "no column cpu: declare it under metrics in the manifest\00")
