;; The verdict: what is said against the schedule, what a person should know, and allow or deny.

;; Records of a role and its instances, ascending: of the schedule in force, and of the one in question.
(global $before (mut i32) (i32.const 0))
(global $before_roles (mut i32) (i32.const 0))
(global $now (mut i32) (i32.const 0))
(global $now_roles (mut i32) (i32.const 0))

;; Records of a role and how many instances of it move, ascending.
(global $moved (mut i32) (i32.const 0))
(global $moved_roles (mut i32) (i32.const 0))

(global $remarks (mut i32) (i32.const 0)) ;; of the list that is being written

(func $verdict (result i64)
  (local $start i32) (local $reasons i32) (local $line i32)
  (local.set $start (call $begin (i32.const 0)))
  (call $say (global.get $VERSION))
  (global.set $remarks (i32.const 0))
  (call $check_budgets)
  (call $check_protected)
  (call $end_remarks)
  (local.set $reasons (global.get $remarks))
  (global.set $remarks (i32.const 0))
  (call $tell_moves)
  (call $end_remarks)
  (call $say (select (global.get $DENY) (global.get $ALLOW) (local.get $reasons)))
  (local.set $line (global.get $next))
  (call $say (select (global.get $DENIED) (global.get $ALLOWED) (local.get $reasons)))
  (call $log (i32.const 2) (local.get $line))
  (call $done (local.get $start)))

(global $VERSION i32 (i32.const 632)) (data (i32.const 632) "{\"v\":1\00")
(global $ALLOW i32 (i32.const 640))   (data (i32.const 640) ",\"verdict\":\"allow\"}\00")
(global $DENY i32 (i32.const 664))    (data (i32.const 664) ",\"verdict\":\"deny\"}\00")
(global $ALLOWED i32 (i32.const 688)) (data (i32.const 688) "allow\00")
(global $DENIED i32 (i32.const 696))  (data (i32.const 696) "deny\00")

;; Begins a remark about a role, in the list that is called so. 0: there are a hundred, which is all that the contract allows.
(func $begin_remark (param $list i32) (param $role i64) (result i32)
  (if (i32.eq (global.get $remarks) (i32.const 100)) (then (return (i32.const 0))))
  (if (i32.eqz (global.get $remarks)) (then (call $say (local.get $list))))
  (call $comma)
  (call $byte (i32.const 0x22))
  (call $escape (local.get $role))
  (global.set $remarks (i32.add (global.get $remarks) (i32.const 1)))
  (i32.const 1))

(func $end_remarks
  (if (global.get $remarks) (then (call $byte (i32.const 0x5d (;];))))))

(global $REASONS i32 (i32.const 704))  (data (i32.const 704) ",\"reasons\":[\00")
(global $WARNINGS i32 (i32.const 720)) (data (i32.const 720) ",\"warnings\":[\00")

(func $check_budgets
  (local $at i32) (local $end i32) (local $most i64) (local $instances i64)
  (local.set $at (global.get $most))
  (local.set $end (i32.add (local.get $at) (i32.shl (global.get $most_roles) (i32.const 4))))
  (block $checked
    (loop $more
      (br_if $checked (i32.eq (local.get $at) (local.get $end)))
      (call $integer (i64.load offset=8 (local.get $at)))
      (local.set $most) (drop)
      (local.set $instances (call $instances_of (global.get $now) (global.get $now_roles) (i64.load (local.get $at))))
      (if (i64.gt_s (local.get $instances) (local.get $most))
        (then
          (if (call $begin_remark (global.get $REASONS) (i64.load (local.get $at)))
            (then
              (call $say (global.get $COLON))
              (call $put_integer (local.get $instances))
              (call $say (global.get $AT_MOST))
              (call $put_integer (local.get $most))
              (call $say (global.get $MAY_BE))))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $more))))

(global $COLON i32 (i32.const 736))   (data (i32.const 736) ": \00")
(global $AT_MOST i32 (i32.const 744)) (data (i32.const 744) " instances, at most \00")
(global $MAY_BE i32 (i32.const 768))  (data (i32.const 768) " may be\"\00")

(func $check_protected
  (local $at i32) (local $end i32) (local $role i64)
  (local.set $at (global.get $protected))
  (local.set $end (i32.add (local.get $at) (i32.shl (global.get $protected_roles) (i32.const 3))))
  (block $checked
    (loop $more
      (br_if $checked (i32.eq (local.get $at) (local.get $end)))
      (local.set $role (i64.load (local.get $at)))
      (if (i32.and
            (i64.ne (call $instances_of (global.get $before) (global.get $before_roles) (local.get $role)) (i64.const 0))
            (i64.eqz (call $instances_of (global.get $now) (global.get $now_roles) (local.get $role))))
        (then
          (if (call $begin_remark (global.get $REASONS) (local.get $role))
            (then (call $say (global.get $WOULD_BE_GONE))))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br $more))))

(global $WOULD_BE_GONE i32 (i32.const 784)) (data (i32.const 784) ": protected, and would be gone\"\00")

(func $tell_moves
  (local $at i32) (local $end i32)
  (local.set $at (global.get $moved))
  (local.set $end (i32.add (local.get $at) (i32.shl (global.get $moved_roles) (i32.const 4))))
  (block $told
    (loop $more
      (br_if $told (i32.eq (local.get $at) (local.get $end)))
      (if (call $begin_remark (global.get $WARNINGS) (i64.load (local.get $at)))
        (then
          (call $say (global.get $COLON))
          (call $put (i64.load offset=8 (local.get $at)))
          (call $say (global.get $HAVE_MOVED))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $more))))

(global $HAVE_MOVED i32 (i32.const 816)) (data (i32.const 816) " moved\"\00")
