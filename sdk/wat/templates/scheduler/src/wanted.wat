;; The roles that the operators want, `runtime`: {ROLE: {"instances": n, "template": text, "vars": mapping}}.

;; One record a role, ascending: its name, and the value that was checked.
(global $wanted (mut i32) (i32.const 0))
(global $roles (mut i32) (i32.const 0)) ;; how many

;; Reads all of them; gives 0 or the first error.
(func $read_wanted (param $runtime i64) (result i64)
  (local $i i32) (local $error i64)
  (call $sorted (local.get $runtime))
  (global.set $roles) (global.set $wanted)
  (block $checked
    (loop $more
      (br_if $checked (i32.eq (local.get $i) (global.get $roles)))
      (local.set $error (call $check_role (call $name (local.get $i)) (call $value (local.get $i))))
      (if (i64.ne (local.get $error) (i64.const 0)) (then (return (local.get $error))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (i64.const 0))

(func $name (param $role i32) (result i64)
  (i64.load (i32.add (global.get $wanted) (i32.shl (local.get $role) (i32.const 4)))))

(func $value (param $role i32) (result i64)
  (i64.load offset=8 (i32.add (global.get $wanted) (i32.shl (local.get $role) (i32.const 4)))))

(func $check_role (param $name i64) (param $role i64) (result i64)
  (local $part i64) (local $is_whole i32) (local $instances i64)
  (if (i32.eqz (call $is_role_name (local.get $name)))
    (then (return (call $wrong_role (local.get $name) (global.get $NO_ROLE_NAME)))))
  (if (i32.eqz (call $is_mapping (local.get $role)))
    (then (return (call $wrong_role (local.get $name) (global.get $NO_MAPPING)))))
  (call $integer (call $get (local.get $role) (call $z (global.get $INSTANCES))))
  (local.set $instances) (local.set $is_whole)
  (if (i32.or (i32.eqz (local.get $is_whole)) (i64.gt_u (local.get $instances) (i64.const 1000000)))
    (then (return (call $wrong_role (local.get $name) (global.get $NOT_WHOLE)))))
  (local.set $part (call $get (local.get $role) (call $z (global.get $TEMPLATE))))
  (if (i32.and (i64.ne (local.get $part) (i64.const 0)) (i32.eqz (call $is_text (local.get $part))))
    (then (return (call $wrong_role (local.get $name) (global.get $TEMPLATE_NO_TEXT)))))
  (local.set $part (call $get (local.get $role) (call $z (global.get $VARS))))
  (if (i32.and (i64.ne (local.get $part) (i64.const 0)) (i32.eqz (call $is_mapping (local.get $part))))
    (then (return (call $wrong_role (local.get $name) (global.get $VARS_NO_MAPPING)))))
  (if (i64.ne (call $get (local.get $part) (call $z (global.get $PLACE))) (i64.const 0))
    (then (return (call $wrong_role (local.get $name) (global.get $PLACE_RESERVED)))))
  (if (i64.ne (call $get (local.get $part) (call $z (global.get $TEMPLATE))) (i64.const 0))
    (then (return (call $wrong_role (local.get $name) (global.get $TEMPLATE_RESERVED)))))
  (i64.const 0))

(global $RUNTIME_COLON i32 (i32.const 560)) (data (i32.const 560) "runtime: \00")
(global $INSTANCES i32 (i32.const 576)) (data (i32.const 576) "instances\00")
(global $TEMPLATE i32 (i32.const 592)) (data (i32.const 592) "template\00")
(global $VARS i32 (i32.const 608)) (data (i32.const 608) "vars\00")
(global $PLACE i32 (i32.const 616)) (data (i32.const 616) "place\00")
(global $NO_ROLE_NAME i32 (i32.const 624)) (data (i32.const 624) " is no role name\00")
(global $NO_MAPPING i32 (i32.const 648)) (data (i32.const 648) " must be a mapping\00")
(global $NOT_WHOLE i32 (i32.const 672)) (data (i32.const 672) ".instances must be a whole number from 0 to 1000000\00")
(global $TEMPLATE_NO_TEXT i32 (i32.const 728)) (data (i32.const 728) ".template must be a text\00")
(global $VARS_NO_MAPPING i32 (i32.const 760)) (data (i32.const 760) ".vars must be a mapping\00")
(global $PLACE_RESERVED i32 (i32.const 784)) (data (i32.const 784) ".vars.place is reserved\00")
(global $TEMPLATE_RESERVED i32 (i32.const 808)) (data (i32.const 808) ".vars.template is reserved\00")

(func $wrong_role (param $name i64) (param $what i32) (result i64)
  (local $error i32)
  (local.set $error (call $begin (i32.const 1)))
  (call $say (global.get $RUNTIME_COLON))
  (call $put (local.get $name))
  (call $say (local.get $what))
  (call $done (local.get $error)))

;; [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes.
(func $is_role_name (param $name i64) (result i32)
  (local $i i32) (local $c i32)
  (if (i32.gt_u (i32.sub (call $len (local.get $name)) (i32.const 1)) (i32.const 63)) (then (return (i32.const 0))))
  (loop $more
    (local.set $c (i32.load8_u (i32.add (call $at (local.get $name)) (local.get $i))))
    (if (i32.eqz
          (i32.or
            (i32.or (i32.lt_u (i32.sub (local.get $c) (i32.const 0x61 (;a;))) (i32.const 26)) (call $is_digit (local.get $c)))
            (i32.and
              (i32.ne (local.get $i) (i32.const 0))
              (i32.or
                (i32.eq (local.get $c) (i32.const 0x5f (;_;)))
                (i32.lt_u (i32.sub (local.get $c) (i32.const 0x2d (;- and .;))) (i32.const 2))))))
      (then (return (i32.const 0))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.ne (local.get $i) (call $len (local.get $name)))))
  (i32.const 1))
