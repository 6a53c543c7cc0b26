;; sample-policy: keeps a schedule to a budget, and protected roles from vanishing. This file: what the host calls, and the review.
;;
;; The globals in capitals are addresses of constants, which ascend from file to file: a new one goes behind the last.

(func (export "vw_describe") (param i32 i32) (result i64)
  (call $constant (global.get $DESCRIPTION)))

;; Alone at the end: its length changes with the name.
(global $DESCRIPTION i32 (i32.const 3072))
(data (i32.const 3072)
  "{\"name\":\"sample-policy\",\"version\":\"0.1.0\",\"kind\":\"policy\",\"input\":\"columns\",\"reads\":[]}\00")

;; An answer without a text: it will do.
(func (export "vw_check_config") (param $at i32) (param $len i32) (result i64)
  (local $error i64)
  (local.set $error (call $read_config (call $document (local.get $at))))
  (if (result i64) (i64.eqz (local.get $error))
    (then (call $done (call $begin (i32.const 0))))
    (else (local.get $error))))

;; Everything is read before the verdict begins: nothing takes memory while it is written.
(func (export "vw_review") (param $at i32) (param $len i32) (result i64)
  (local $input i64) (local $error i64) (local $start i32)
  (local.set $input (call $document (local.get $at)))
  (local.set $error (call $read_config (call $get (local.get $input) (call $z (global.get $CONFIG)))))
  (if (i64.ne (local.get $error) (i64.const 0)) (then (return (local.get $error))))
  (call $count_instances (call $get (local.get $input) (call $z (global.get $PREVIOUS))))
  (global.set $before_roles) (global.set $before)
  (call $count_instances (call $get (local.get $input) (call $z (global.get $SCHEDULE))))
  (global.set $now_roles) (global.set $now)
  (call $sorted (call $get (call $get (local.get $input) (call $z (global.get $DIFF))) (call $z (global.get $MOVED))))
  (global.set $moved_roles) (global.set $moved)
  (call $verdict))

(global $CONFIG i32 (i32.const 352))   (data (i32.const 352) "config\00")
(global $PREVIOUS i32 (i32.const 360)) (data (i32.const 360) "previous\00")
(global $SCHEDULE i32 (i32.const 376)) (data (i32.const 376) "schedule\00")
(global $DIFF i32 (i32.const 392))     (data (i32.const 392) "diff\00")
(global $MOVED i32 (i32.const 400))    (data (i32.const 400) "moved\00")
