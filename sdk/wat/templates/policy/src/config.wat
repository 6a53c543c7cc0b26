;; The manifest's `config`: {"most": {ROLE: n}, "protected": [ROLE]}.

(global $most (mut i32) (i32.const 0)) ;; one record a role, ascending: its name, and the value that was checked
(global $most_roles (mut i32) (i32.const 0))
(global $protected (mut i32) (i32.const 0)) ;; one name a role, 8 bytes each, in the list's order
(global $protected_roles (mut i32) (i32.const 0))

;; Reads it; gives 0 or the error.
(func $read_config (param $config i64) (result i64)
  (local $error i64)
  (local.set $error (call $check_keys (local.get $config)))
  (if (i64.ne (local.get $error) (i64.const 0)) (then (return (local.get $error))))
  (local.set $error (call $read_most (call $get (local.get $config) (call $z (global.get $MOST)))))
  (if (i64.ne (local.get $error) (i64.const 0)) (then (return (local.get $error))))
  (call $read_protected (call $get (local.get $config) (call $z (global.get $PROTECTED)))))

(global $MOST i32 (i32.const 408))      (data (i32.const 408) "most\00")
(global $PROTECTED i32 (i32.const 416)) (data (i32.const 416) "protected\00")

(func $check_keys (param $config i64) (result i64)
  (local $member i32) (local $count i32) (local $key i64) (local $error i32)
  (call $sorted (local.get $config))
  (local.set $count) (local.set $member)
  (block $all_known
    (loop $more
      (br_if $all_known (i32.eqz (local.get $count)))
      (local.set $key (i64.load (local.get $member)))
      (if (i32.eqz
            (i32.or
              (call $equal (local.get $key) (call $z (global.get $MOST)))
              (call $equal (local.get $key) (call $z (global.get $PROTECTED)))))
        (then
          (local.set $error (call $begin (i32.const 1)))
          (call $say (global.get $UNKNOWN_KEY))
          (call $put (local.get $key))
          (call $say (global.get $EXPECTED))
          (return (call $done (local.get $error)))))
      (local.set $member (i32.add (local.get $member) (i32.const 16)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $more)))
  (i64.const 0))

(global $UNKNOWN_KEY i32 (i32.const 432)) (data (i32.const 432) "config: unknown key \00")
(global $EXPECTED i32 (i32.const 456))    (data (i32.const 456) ", expected most or protected\00")

(func $read_most (param $value i64) (result i64)
  (local $i i32) (local $is_whole i32) (local $number i64)
  (call $sorted (local.get $value))
  (global.set $most_roles) (global.set $most)
  (if (i64.eqz (local.get $value)) (then (return (i64.const 0))))
  (if (i32.eqz (call $is_mapping (local.get $value))) (then (return (call $refuse (global.get $MOST_IS)))))
  (block $checked
    (loop $more
      (br_if $checked (i32.eq (local.get $i) (global.get $most_roles)))
      (call $integer (i64.load offset=8 (i32.add (global.get $most) (i32.shl (local.get $i) (i32.const 4)))))
      (local.set $number) (local.set $is_whole)
      (if (i32.or (i32.eqz (local.get $is_whole)) (i64.lt_s (local.get $number) (i64.const 0)))
        (then (return (call $refuse (global.get $MOST_IS)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (i64.const 0))

(func $read_protected (param $value i64) (result i64)
  (local $walk i32) (local $at i32) (local $item i64)
  (global.set $protected_roles (i32.const 0))
  (if (i64.eqz (local.get $value)) (then (return (i64.const 0))))
  (if (i32.eqz (call $is_list (local.get $value))) (then (return (call $refuse (global.get $PROTECTED_IS)))))
  (global.set $protected (call $take (i32.shl (call $count (local.get $value)) (i32.const 3))))
  (local.set $at (global.get $protected))
  (local.set $walk (call $open (local.get $value)))
  (block $end
    (loop $more
      (br_if $end (i32.eqz (local.get $walk)))
      (call $item (local.get $walk))
      (local.set $walk) (local.set $item)
      (if (i32.eqz (call $is_text (local.get $item))) (then (return (call $refuse (global.get $PROTECTED_IS)))))
      (i64.store (local.get $at) (call $text (local.get $item)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (global.set $protected_roles (i32.add (global.get $protected_roles) (i32.const 1)))
      (br $more)))
  (i64.const 0))

(global $MOST_IS i32 (i32.const 488))      (data (i32.const 488) "config: most must be a mapping of roles to whole numbers\00")
(global $PROTECTED_IS i32 (i32.const 552)) (data (i32.const 552) "config: protected must be a list of texts\00")

;; The error that is this constant.
(func $refuse (param $message i32) (result i64)
  (local $error i32)
  (local.set $error (call $begin (i32.const 1)))
  (call $say (local.get $message))
  (call $done (local.get $error)))
