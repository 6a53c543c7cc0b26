;; sample-filter: three filters for templates. This file: what the host calls, and which filter takes what.
;;
;; The globals in capitals are addresses of constants, which ascend from file to file: a new one goes behind the last.

(func (export "vw_describe") (param i32 i32) (result i64)
  (call $constant (global.get $DESCRIPTION)))

;; Alone at the end: its length changes with the name.
(global $DESCRIPTION i32 (i32.const 3072))
(data (i32.const 3072)
  "{\"name\":\"sample-filter\",\"version\":\"0.1.0\",\"kind\":\"filter\"}\00")

;; Any configuration will do: there is none.
(func (export "vw_check_config") (param i32 i32) (result i64)
  (call $done (call $begin (i32.const 0))))

(func (export "vw_filters") (param i32 i32) (result i64)
  (call $constant (global.get $FILTERS)))

(global $FILTERS i32 (i32.const 320)) (data (i32.const 320) "[\"slug\",\"truncate\",\"pick\"]\00")

;; The call is {"name": text, "args": list}.
(func (export "vw_apply") (param $at i32) (param $len i32) (result i64)
  (local $call i64) (local $name i64) (local $args i64) (local $error i32)
  (local.set $call (call $document (local.get $at)))
  (local.set $name (call $text (call $get (local.get $call) (call $z (global.get $NAME)))))
  (local.set $args (call $get (local.get $call) (call $z (global.get $ARGS))))
  (if (call $equal (local.get $name) (call $z (global.get $SLUG)))
    (then (return (call $slug (local.get $args)))))
  (if (call $equal (local.get $name) (call $z (global.get $TRUNCATE)))
    (then (return (call $truncate (local.get $args)))))
  (if (call $equal (local.get $name) (call $z (global.get $PICK)))
    (then (return (call $pick (local.get $args)))))
  (local.set $error (call $begin (i32.const 1)))
  (call $say (global.get $NO_FILTER))
  (call $put (local.get $name))
  (call $done (local.get $error)))

(global $NAME i32 (i32.const 352))      (data (i32.const 352) "name\00")
(global $ARGS i32 (i32.const 360))      (data (i32.const 360) "args\00")
(global $SLUG i32 (i32.const 368))      (data (i32.const 368) "slug\00")
(global $TRUNCATE i32 (i32.const 376))  (data (i32.const 376) "truncate\00")
(global $PICK i32 (i32.const 392))      (data (i32.const 392) "pick\00")
(global $NO_FILTER i32 (i32.const 400)) (data (i32.const 400) "there is no filter \00")

;; What all of them expect of a text.
(global $A_TEXT i32 (i32.const 424)) (data (i32.const 424) "a text\00")
